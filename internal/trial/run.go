package trial

import (
	"context"
	"fmt"
	"strings"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/rehearsal"
	"github.com/2lab-ai/hal9/layers"
)

// Outcome is what became of one test.
type Outcome struct {
	Name     string    `json:"name"`
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Signals  int       `json:"signals"`
	Failures []Failure `json:"failures,omitempty"` // none where it passed

	Verdicts   []layers.Verdict   `json:"-"`
	Situations []layers.Situation `json:"-"` // each as it stands at the end, in the order of opening
	Plans      []layers.Plan      `json:"-"`
}

// Passed reports whether everything was as expected.
func (o *Outcome) Passed() bool { return len(o.Failures) == 0 }

// Failure is one thing that was not as expected.
type Failure struct {
	Line   int    `json:"line"`
	Path   string `json:"path"`   // what was expected, such as "expect.verdicts[0].layer"
	About  string `json:"about"`  // what it was expected of
	Want   string `json:"want"`   //
	Got    string `json:"got"`    //
	Reason string `json:"reason"` // the reason of the verdict, where there is one
}

// Run runs one test with a configuration. Its error says why it could not run.
func (l *Loaded) Run(ctx context.Context, file config.File, index int) (*Outcome, error) {
	t := &l.Tests[index]
	h := newHistory()
	r, err := rehearsal.New(file, t.start, h)
	if err != nil {
		return nil, err
	}
	arrivals := t.arrivals()
	for _, a := range arrivals {
		m, err := t.Signals[a.entry].message(a.entry, a.repeat+1)
		if err == nil {
			err = r.Advance(ctx, a.at)
		}
		if err == nil {
			err = r.Take(ctx, m)
		}
		if err != nil {
			return nil, fmt.Errorf("trial: %s: %s: %w", l.Name, t.Name, err)
		}
	}
	if err := r.Advance(ctx, r.Now().Add(t.advance)); err != nil {
		return nil, fmt.Errorf("trial: %s: %s: %w", l.Name, t.Name, err)
	}
	outcome := l.compare(index, h)
	outcome.Signals = len(arrivals)
	return outcome, nil
}

// compare compares what a test brought about with what it expects.
func (l *Loaded) compare(index int, h *history) *Outcome {
	t, path := &l.Tests[index], fmt.Sprintf("tests[%d]", index)
	o := &Outcome{
		Name: t.Name, File: l.Name, Line: l.document.Line(path), Verdicts: h.verdicts, Situations: h.situations, Plans: h.plans,
	}
	j := &judge{history: h, outcome: o, line: func(below string) int { return l.document.Line(path + "." + below) }}
	j.verdictsAre(t.Expect.Verdicts)
	j.situationsAre(t.Expect.Situations)
	j.plansAre(t.Expect.Plans)
	return o
}

// newHistory returns an empty one.
func newHistory() *history {
	return &history{events: make(map[string][]layers.SituationEvent), at: make(map[string]int)}
}

// history is what a test brought about.
type history struct {
	verdicts   []layers.Verdict
	situations []layers.Situation
	plans      []layers.Plan

	events map[string][]layers.SituationEvent // by situation
	at     map[string]int                     // where a situation stands in situations
}

// Verdict implements rehearsal.Audience.
func (h *history) Verdict(v *layers.Verdict) { h.verdicts = append(h.verdicts, *v) }

// Situation implements rehearsal.Audience.
func (h *history) Situation(s *layers.Situation) {
	h.events[s.ID] = append(h.events[s.ID], s.Event)
	if i, ok := h.at[s.ID]; ok {
		h.situations[i] = *s
		return
	}
	h.at[s.ID] = len(h.situations)
	h.situations = append(h.situations, *s)
}

// Plan implements rehearsal.Audience.
func (h *history) Plan(p *layers.Plan) { h.plans = append(h.plans, *p) }

// situation returns the situation that a verdict belongs to, nil where it belongs to none.
func (h *history) situation(v *layers.Verdict) *layers.Situation {
	if i, ok := h.at[v.SituationID]; ok {
		return &h.situations[i]
	}
	return nil
}

// holds reports whether text holds part, in either case.
func holds(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
