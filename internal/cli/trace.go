package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Trace is what a signal's way cost. Times are microseconds.
type Trace struct {
	SignalID    string             `json:"signal_id"`
	Source      string             `json:"source"`
	TraceID     string             `json:"trace_id"`
	Layer       layers.Name        `json:"layer"` // that decided
	Disposition layers.Disposition `json:"disposition"`
	ReceivedAt  time.Time          `json:"received_at"`
	DecidedAt   time.Time          `json:"decided_at"`
	EndToEndUS  int64              `json:"end_to_end_us"`
	WaitUS      int64              `json:"wait_us"`    // in streams, all hops together
	ProcessUS   int64              `json:"process_us"` // in layers, all hops together
	Hops        []TraceHop         `json:"hops"`
	Link        string             `json:"link,omitempty"` // to the trace in Jaeger, where the caller knows one
}

// TraceHop is one layer's part.
type TraceHop struct {
	Layer     layers.Name `json:"layer"`
	StartUS   int64       `json:"start_us"` // after the signal was received, as far as the hops tell
	WaitUS    int64       `json:"wait_us"`
	ProcessUS int64       `json:"process_us"`
}

// Trace returns the way of a decided signal; ok is false where it is still under way.
func (s *Story) Trace() (t Trace, ok bool) {
	if s.State != StateDecided {
		return Trace{}, false
	}
	v := &s.verdict
	t = Trace{
		SignalID: v.SignalID, Source: v.Source, TraceID: v.TraceID, Layer: v.Layer, Disposition: v.Disposition,
		ReceivedAt: v.ReceivedAt, DecidedAt: v.DecidedAt,
		EndToEndUS: max(0, v.DecidedAt.Sub(v.ReceivedAt).Microseconds()), Hops: []TraceHop{},
	}
	for _, hop := range v.Hops {
		t.Hops = append(t.Hops, TraceHop{hop.Layer, t.WaitUS + t.ProcessUS, hop.WaitUS, hop.ProcessUS})
		t.WaitUS += hop.WaitUS
		t.ProcessUS += hop.ProcessUS
	}
	return t, true
}

// JSON writes the trace for programs.
func (t *Trace) JSON(w io.Writer) error { return writeJSON(w, t) }

// barWidth is the width of the waterfall, characters.
const barWidth = 40

// Print writes the trace as a waterfall for people.
func (t *Trace) Print(s Screen) error {
	var b strings.Builder
	fmt.Fprintf(&b, "signal      %s of source %s\n", clean(t.SignalID), clean(t.Source))
	fmt.Fprintf(&b, "trace id    %s\n", clean(t.TraceID))
	if t.Link != "" {
		fmt.Fprintf(&b, "jaeger      %s\n", clean(t.Link))
	}
	fmt.Fprintf(&b, "answer      %s at %s %s\n", s.disposition(t.Disposition, t.Disposition.String()), t.Layer, t.Layer.Title())
	fmt.Fprintf(&b, "end to end  %s: %s waiting in streams, %s in layers\n\n",
		micros(t.EndToEndUS), micros(t.WaitUS), micros(t.ProcessUS))
	fmt.Fprintf(&b, "%s\n", s.dim(cell("layer", 20)+cell("wait", 11)+"process"))
	total := max(t.EndToEndUS, t.WaitUS+t.ProcessUS, 1)
	for _, hop := range t.Hops {
		fmt.Fprintf(&b, "%s%s%s%s\n", cell(hop.Layer.String()+" "+hop.Layer.Title(), 20),
			cell(micros(hop.WaitUS), 11), cell(micros(hop.ProcessUS), 11), hop.bar(s, total))
	}
	if _, err := io.WriteString(s.Out, b.String()); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// bar draws the hop in its place: dots for waiting, blocks for processing; what took any time
// has at least one.
func (h TraceHop) bar(s Screen, total int64) string {
	at := func(us int64) int { return int(min(us, total) * barWidth / total) }
	from, middle, to := at(h.StartUS), at(h.StartUS+h.WaitUS), at(h.StartUS+h.WaitUS+h.ProcessUS)
	from = min(from, barWidth-2)
	waiting, working := max(middle-from, 0), max(to-max(middle, from), 0)
	if h.WaitUS > 0 {
		waiting = max(waiting, 1)
	}
	if h.ProcessUS > 0 {
		working = max(working, 1)
	}
	if over := from + waiting + working - barWidth; over > 0 {
		waiting = max(waiting-over, min(waiting, 1))
	}
	return "|" + strings.Repeat(" ", from) + s.dim(strings.Repeat("·", waiting)) + strings.Repeat("█", working) +
		strings.Repeat(" ", max(0, barWidth-from-waiting-working)) + "|"
}

func micros(us int64) string { return shortTime(time.Duration(us) * time.Microsecond) }
