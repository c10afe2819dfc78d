package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// ScalingExplain says why a layer has the number of replicas that it has.
type ScalingExplain struct {
	Bus    *bus.Bus
	Screen Screen
	Layer  layers.Name
	Last   int           // so many decisions, or for people so many changes
	Since  time.Duration // not older than that
	JSON   bool
	Now    func() time.Time
	Place  *time.Location
}

// spell is a time during which the same was decided for the same reason, or nothing could be.
type spell struct {
	from time.Time
	last policy.Decision
}

// takes reports whether a later decision belongs to the spell.
func (s *spell) takes(d *policy.Decision) bool {
	if s.last.Error != "" || d.Error != "" {
		return s.last.Error != "" && d.Error != ""
	}
	return s.last.Wanted == d.Wanted && s.last.Term == d.Term
}

// ScalingReport is what --json prints.
type ScalingReport struct {
	Layer     layers.Name       `json:"layer"`
	Decisions []policy.Decision `json:"decisions"` // the newest first
}

// Run prints the decisions about the layer.
func (e *ScalingExplain) Run(ctx context.Context) error {
	decisions, spells, err := e.read(ctx)
	if err != nil {
		return err
	}
	if e.JSON {
		return writeJSON(e.Screen.Out, ScalingReport{e.Layer, decisions})
	}
	if len(spells) == 0 {
		fmt.Fprintf(e.Screen.Out, "no decision about %s within the last %s: does `hal9 scaler` run on this NATS, and can it measure %s? Its log and /readyz say\n", e.Layer, e.Since, e.Layer)
		return nil
	}
	e.printNow(spells)
	return e.printSpells(spells)
}

// read returns the newest decisions and spells, the newest first.
func (e *ScalingExplain) read(ctx context.Context) (decisions []policy.Decision, spells []spell, err error) {
	decisions = []policy.Decision{}
	window := bus.Window{Stream: pipeline.StreamScaling, Subject: pipeline.SubjectOfScaling(e.Layer), Since: e.Now().Add(-e.Since)}
	err = e.Bus.Walk(ctx, window, func(m *bus.Message) bool {
		var d policy.Decision
		if json.Unmarshal(m.Data, &d) != nil {
			return true // It is of another version.
		}
		if decisions = append(decisions, d); len(decisions) > e.Last {
			decisions = decisions[1:]
		}
		if n := len(spells); n > 0 && spells[n-1].takes(&d) {
			spells[n-1].last = d
			return true
		}
		if spells = append(spells, spell{from: d.At, last: d}); len(spells) > e.Last {
			spells = spells[1:]
		}
		return true
	})
	slices.Reverse(decisions)
	slices.Reverse(spells)
	return decisions, spells, err
}

// printNow prints the last decision, or why there is none and then the one before.
func (e *ScalingExplain) printNow(spells []spell) {
	last := &spells[0]
	age := e.Now().Sub(last.last.At)
	heading := fmt.Sprintf("%s %s needs %d replicas, %d are live", e.Layer, e.Layer.Title(), last.last.Wanted, last.last.Reading.Replicas)
	if last.last.Error != "" {
		heading = fmt.Sprintf("%s %s can't be measured: no number of replicas is known", e.Layer, e.Layer.Title())
	}
	fmt.Fprintf(e.Screen.Out, "%s\n", e.Screen.bold(heading))
	if age > time.Minute {
		fmt.Fprintf(e.Screen.Out, "!          this was decided %s ago: no scaler decides now, KEDA's fallback counts\n", age.Round(time.Second))
	}
	if last.last.Error == "" {
		e.printDecision(&last.last)
		return
	}
	e.printFailure(last)
	if len(spells) > 1 {
		fmt.Fprintf(e.Screen.Out, "\n%s\n", e.Screen.bold(fmt.Sprintf("Before that it needed %d replicas, %d were live", spells[1].last.Wanted, spells[1].last.Reading.Replicas)))
		e.printDecision(&spells[1].last)
	}
}

func (e *ScalingExplain) line(name, format string, args ...any) {
	fmt.Fprintf(e.Screen.Out, "%-10s %s\n", name, fmt.Sprintf(format, args...))
}

// printFailure says why a layer can't be measured, and what KEDA is told.
func (e *ScalingExplain) printFailure(s *spell) {
	e.line("why", "%s", clean(s.last.Error))
	e.line("since", "%s, %s ago", s.from.In(e.Place).Format(time.DateTime), e.Now().Sub(s.from).Round(time.Second))
	if s.last.Missing {
		e.line("KEDA", "gets this error instead of a number: its fallback counts")
		return
	}
	e.line("KEDA", "gets the last number while that is fresh (--fresh of the scaler), then this error: its fallback counts")
}

func (e *ScalingExplain) printDecision(d *policy.Decision) {
	r, c, line := &d.Reading, &d.Config, e.line
	line("why", "%s", d.Reason)
	line("terms", "drain %s, latency %s, arrival %s replicas", amount(d.Drain), amount(d.Latency), amount(d.Arrival))
	line("backlog", "%s waiting, %s working, %s parked; the oldest %s old", signals(r.Waiting), signals(r.Working), signals(r.Parked), ageText(r.Oldest))
	kind := "configured: not measured yet"
	if d.RateMeasured {
		kind = "measured"
	}
	line("flow", "%s/s in, %s/s finished, %s/s for each replica (%s); the layer below is about to send %s/s",
		amount(d.ArrivalRate), amount(d.FinishedRate), amount(d.Rate), kind, amount(d.Feed))
	line("limits", "%d to %d replicas; backlog within %s, no signal older than %s%s", c.Min, c.Max, c.Drain, c.Latency, partitionsText(r))
	line("decided", "%s, %s ago", d.At.In(e.Place).Format(time.DateTime), e.Now().Sub(d.At).Round(time.Second))
}

func partitionsText(r *policy.Reading) string {
	if r.Partitions == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of %d partitions have work", r.Busy, r.Partitions)
}

func ageText(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	return max(d.Round(100*time.Millisecond), 100*time.Millisecond).String()
}

// signals writes a count.
func signals(n uint64) string { return thousands(int(min(n, math.MaxInt64))) }

// amount writes rates and needs: small ones with a fraction.
func amount(x float64) string {
	if x >= 100 {
		return signals(uint64(math.Round(x)))
	}
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}

func (e *ScalingExplain) printSpells(spells []spell) error {
	fmt.Fprintf(e.Screen.Out, "\n%s\n", e.Screen.bold("What was decided, the newest first"))
	table := tabwriter.NewWriter(e.Screen.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FROM\tFOR\tWANTED\tLIVE\tRULE\tUNFINISHED\tOLDEST\tIN/S\tOUT/S\tWHY")
	for i := range spells {
		s := &spells[i]
		d := &s.last
		if d.Error != "" {
			fmt.Fprintf(table, "%s\t%s\t-\t-\terror\t-\t-\t-\t-\t%s\n", s.from.In(e.Place).Format(time.TimeOnly), d.At.Sub(s.from).Round(time.Second), e.why(d.Error))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", s.from.In(e.Place).Format(time.TimeOnly), d.At.Sub(s.from).Round(time.Second),
			d.Wanted, d.Reading.Replicas, d.Term, signals(d.Reading.Unfinished()), ageText(d.Reading.Oldest), amount(d.ArrivalRate), amount(d.FinishedRate), e.why(d.Reason))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("cli: print the decisions: %w", err)
	}
	return nil
}

// why cuts a reason so that a line stays a line on a terminal.
func (e *ScalingExplain) why(reason string) string {
	const columns = 86 // what stands before it
	if e.Screen.Width == 0 {
		return clean(reason)
	}
	return clip(reason, max(30, e.Screen.Width-columns))
}
