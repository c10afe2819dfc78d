package rehearsal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/layers"
)

// hall remembers everything.
type hall struct {
	verdicts   []layers.Verdict
	situations []layers.Situation
	plans      []layers.Plan
}

func (h *hall) Verdict(v *layers.Verdict)     { h.verdicts = append(h.verdicts, *v) }
func (h *hall) Situation(s *layers.Situation) { h.situations = append(h.situations, *s) }
func (h *hall) Plan(p *layers.Plan)           { h.plans = append(h.plans, *p) }

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func newRehearsal(t *testing.T) (*Rehearsal, *hall) {
	t.Helper()
	h := &hall{}
	r, err := New(config.Default(), start, h)
	if err != nil {
		t.Fatal(err)
	}
	return r, h
}

func take(t *testing.T, r *Rehearsal, text string) {
	t.Helper()
	if err := r.Take(t.Context(), Message{Subject: "hal9.signals.web", Data: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

// TestEverySignalHasOneVerdict sends what can be read and what can't.
func TestEverySignalHasOneVerdict(t *testing.T) {
	t.Parallel()
	r, h := newRehearsal(t)
	for _, text := range []string{
		`{"id":"a","msg":"fine"}`, `{"id":"b","level":"critical","host":"db-1","msg":"disk full"}`, `{"id":["c"]}`, "", "plain text", "12.5",
		`{"id":"a","msg":"fine"}`, // comes again
		`{"id":"big","msg":"` + strings.Repeat("long ", 10_000) + `"}`,
	} {
		take(t, r, text)
	}
	got := map[layers.Disposition]int{}
	for i := range h.verdicts {
		got[h.verdicts[i].Disposition]++
		if v := &h.verdicts[i]; v.Reason == "" || v.TraceID == "" || v.ReceivedAt != start || v.DecidedAt != start || len(v.Hops) == 0 {
			t.Errorf("incomplete: %+v", v)
		}
	}
	want := map[layers.Disposition]int{layers.DispositionResolved: 5, layers.DispositionDead: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(h.situations) != 1 || h.situations[0].Key != "db-1" {
		t.Errorf("situations: %+v", h.situations)
	}
}

// TestSilenceClosesSituations moves the clock in one step and in many: waiting layers are told the same times.
// TestKeyThatL2FindsIsTheSignals sends a signal whose key L2 finds out.
func TestKeyThatL2FindsIsTheSignals(t *testing.T) {
	r, h := newRehearsal(t)
	take(t, r, `{"id":"1","machine":"m-7","value":3}`)
	if len(h.verdicts) != 1 || h.verdicts[0].Key != "m-7" {
		t.Errorf("verdicts %+v: want one about m-7", h.verdicts)
	}
}

func TestSilenceClosesSituations(t *testing.T) {
	t.Parallel()
	var closed []layers.Situation
	for _, step := range []time.Duration{time.Hour, 7 * time.Second, time.Second} {
		r, h := newRehearsal(t)
		take(t, r, `{"id":"b","level":"critical","host":"db-1","msg":"disk full"}`)
		for at := start; at.Before(start.Add(time.Hour)); {
			at = at.Add(step)
			if err := r.Advance(t.Context(), at); err != nil || r.Now() != at {
				t.Fatal(err, r.Now())
			}
		}
		last := h.situations[len(h.situations)-1]
		if last.Event != layers.SituationClosed {
			t.Fatalf("step %s: %s after an hour of silence", step, last.Event)
		}
		closed = append(closed, last)
	}
	for _, other := range closed[1:] {
		if diff := cmp.Diff(closed[0], other); diff != "" {
			t.Errorf("(-one step +many)\n%s", diff)
		}
	}
}

// TestClosingSaysWhatWasRecalled has the same come twice: the second time L4 recalls the first, and L3 says so to the end.
func TestClosingSaysWhatWasRecalled(t *testing.T) {
	t.Parallel()
	r, h := newRehearsal(t)
	for _, id := range []string{"a", "b"} {
		take(t, r, `{"id":"`+id+`","level":"critical","host":"db-1","msg":"disk full"}`)
		if err := r.Advance(t.Context(), r.Now().Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	first, last := h.situations[0], h.situations[len(h.situations)-1]
	if last.Event != layers.SituationClosed || last.PlanID == "" || len(last.Recalled) != 1 || last.Recalled[0].SituationID != first.ID {
		t.Errorf("the second ends with %+v: want it closed, with its plan, and %s recalled", last, first.ID)
	}
}

// TestResultsAreTheAudiencesOwn keeps an announced situation while its layer goes on with it.
func TestResultsAreTheAudiencesOwn(t *testing.T) {
	t.Parallel()
	r, h := newRehearsal(t)
	take(t, r, `{"id":"a","level":"critical","host":"db-1","msg":"disk full"}`)
	before := h.situations[0]
	ids := strings.Join(before.MemberIDs, " ")
	for _, id := range []string{"b", "c", "d"} {
		take(t, r, `{"id":"`+id+`","level":"critical","host":"db-1","msg":"disk full"}`)
	}
	if got := strings.Join(before.MemberIDs, " "); got != ids || ids != "a" {
		t.Errorf("%q became %q", ids, got)
	}
}

func TestAdvanceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r, _ := newRehearsal(t)
	take(t, r, `{"id":"a","level":"critical","host":"db-1","msg":"disk full"}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Advance(ctx, start.Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
	if err := r.Take(ctx, Message{Subject: "hal9.signals.web", Data: []byte("x")}); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
}
