package chaos_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// verdict is the published shape of a verdict.
type verdict struct {
	SignalID    string    `json:"signal_id"`
	Source      string    `json:"source"`
	Key         string    `json:"key"`
	Layer       string    `json:"layer"`
	Disposition string    `json:"disposition"`
	Reason      string    `json:"reason"`
	TemplateID  string    `json:"template_id"`
	SituationID string    `json:"situation_id"`
	EventTime   time.Time `json:"event_time"`
	ReceivedAt  time.Time `json:"received_at"`
	DecidedAt   time.Time `json:"decided_at"`
	TraceID     string    `json:"trace_id"`
	Hops        []struct {
		Layer string `json:"layer"`
	} `json:"hops"`
}

// ending is what the checker keeps of a signal's verdicts.
type ending struct {
	copies      int32
	layer       uint8  // 1 to 5, of the first
	seq         uint64 // of the first, in HAL9_VERDICTS
	disposition string
	template    string // L2's
	situation   string
}

var dispositions = []string{"suppressed", "resolved", "folded", "dead"}

// readVerdicts holds every verdict against what was published.
func (e *evidence) readVerdicts(ctx context.Context, js jetstream.JetStream) error {
	words := map[string]string{} // one copy of each word
	keep := func(text string) string {
		if known, ok := words[text]; ok {
			return known
		}
		words[text] = strings.Clone(text)
		return words[text]
	}
	return readStream(ctx, js, "HAL9_VERDICTS", func(m entry) {
		var v verdict
		if err := json.Unmarshal(m.msg.Data(), &v); err != nil {
			e.found.add("a verdict is the published JSON", "%s at %d: %v", m.subject, m.seq, err)
			return
		}
		if v.Source == "hal9" && strings.HasPrefix(v.SignalID, "slo.") {
			return // HAL9's own alert: it says itself that it was slow while it was being hurt.
		}
		e.verdicts++
		i, ok := e.script.indexOf(v.SignalID)
		if !ok || !e.load.sent[i] {
			e.found.add("no verdict on what nobody sent", "%s", m.msg.Data())
			return
		}
		e.checkVerdict(i, m, &v)
		layer := slices.Index(layerNames, v.Layer) + 1
		e.output(layer, e.partitionOf(i), m.at)
		end := &e.ends[i]
		end.copies++
		if end.copies > 1 {
			e.found.addSignal(i, "one verdict for each signal", "has verdict %d: at sequence %d %s %s, stored %s after the one at sequence %d (%s %s)",
				end.copies, m.seq, v.Layer, v.Disposition, m.at.Sub(e.storedAt[i]).Round(time.Millisecond), end.seq, layerNames[end.layer-1], end.disposition)
			return
		}
		e.storedAt[i] = m.at
		*end = ending{
			copies: 1, layer: uint8(layer), seq: m.seq,
			disposition: keep(v.Disposition), template: keep(v.TemplateID), situation: keep(v.SituationID),
		}
		e.byEnd[v.Layer+" "+v.Disposition]++
	})
}

// checkVerdict requires that a verdict is complete and says what was sent.
func (e *evidence) checkVerdict(i int, m entry, v *verdict) {
	const promise = "every verdict is complete"
	dead := e.script.kind[i] == contentPoison
	wrong := func(format string, args ...any) { e.found.addSignal(i, promise, format, args...) }
	switch {
	case !slices.Contains(layerNames, v.Layer) || !slices.Contains(dispositions, v.Disposition):
		wrong("ended at %q %q", v.Layer, v.Disposition)
	case m.subject != "hal9.verdicts."+v.Layer+"."+v.Disposition:
		wrong("has its verdict on %s but it says %s %s", m.subject, v.Layer, v.Disposition)
	case v.Reason == "" || v.DecidedAt.IsZero() || v.ReceivedAt.IsZero() || v.DecidedAt.Before(v.ReceivedAt):
		wrong("reason %q, received %s, decided %s", v.Reason, v.ReceivedAt, v.DecidedAt)
	case len(strings.Trim(v.TraceID, "0")) == 0 || len(v.TraceID) != 32:
		wrong("trace id %q", v.TraceID)
	case v.Source != e.script.sourceOf(i) || !dead && (v.Key != e.script.keyOf(i) || !v.EventTime.Equal(e.script.timeOf(i))):
		wrong("source %q, key %q, event time %s: sent were %q, %q, %s",
			v.Source, v.Key, v.EventTime, e.script.sourceOf(i), e.script.keyOf(i), e.script.timeOf(i))
	case dead != (v.Disposition == "dead"):
		e.found.addSignal(i, "dead letters only where expected", "ended at %s %s: %s", v.Layer, v.Disposition, v.Reason)
	case v.Layer >= "L4" && v.SituationID == "" || v.Disposition == "folded" && v.SituationID == "":
		wrong("%s at %s without a situation", v.Disposition, v.Layer)
	case !climbs(v):
		wrong("hops %v up to %s", v.Hops, v.Layer)
	}
}

// climbs reports whether the hops go from L1 to the deciding layer without a gap. L3 may stand there
// twice: the partition of the key flags, the first one correlates.
func climbs(v *verdict) bool {
	var names []string
	for _, hop := range v.Hops {
		if n := len(names); hop.Layer == "L3" && n > 0 && names[n-1] == "L3" {
			continue
		}
		names = append(names, hop.Layer)
	}
	return len(names) > 0 && names[len(names)-1] == v.Layer && slices.Equal(names, layerNames[:min(len(names), 5)])
}

// checkCount requires one verdict for every signal that was acknowledged.
func (e *evidence) checkCount() {
	for i := range e.ends {
		if e.ends[i].copies == 0 && e.load.acked[i] {
			e.missing++
			e.found.addSignal(i, "no acknowledged signal is lost", "(%s, %s of its key %s) has no verdict", contentNames[e.script.kind[i]], ordinal(e.script.seq[i]), e.script.keyOf(i))
		}
		if e.ends[i].copies > 1 {
			e.double++
		}
	}
}
