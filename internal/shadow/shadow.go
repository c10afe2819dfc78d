// Package shadow shows where two configurations differ: the live one and one that is to replace it get the same
// signals at the same times, each with layers of its own that begin with nothing, and what they answer is
// compared signal by signal. It promises that nothing is published and that nothing of a running HAL9 is touched:
// it only reads.
package shadow

import (
	"context"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/rehearsal"
	"github.com/2lab-ai/hal9/layers"
)

// Answer is the part of a verdict that is compared.
type Answer struct {
	Layer       layers.Name        `json:"layer"`
	Disposition layers.Disposition `json:"disposition"`
	Rule        string             `json:"rule,omitempty"`
	Classes     []string           `json:"classes,omitempty"`
	Situation   bool               `json:"situation"` // whether the signal belongs to one
	Severity    layers.Severity    `json:"severity,omitempty"`
	Key         string             `json:"key"`
	Reason      string             `json:"reason"` // not compared
}

// Difference is a signal that the two answer differently.
type Difference struct {
	SignalID string    `json:"signal_id"`
	Source   string    `json:"source"`
	Time     time.Time `json:"time"`   // when it came
	Live     *Answer   `json:"live"`   // null where it gave none, such as on a duplicate
	Shadow   *Answer   `json:"shadow"` // as live
}

// Side counts what one configuration made of the signals.
type Side struct {
	Answers    map[string]int `json:"answers"` // by layer and disposition, such as "L1 suppressed"
	Situations int            `json:"situations"`
	Plans      int            `json:"plans"`
}

// Summary is what a comparison comes to.
type Summary struct {
	Signals   int            `json:"signals"`
	Different int            `json:"different"`
	Changes   map[string]int `json:"changes"` // such as "L3 resolved -> L1 suppressed"
	Live      Side           `json:"live"`
	Shadow    Side           `json:"shadow"`
	Bad       int            `json:"bad,omitempty"` // lines of a file that are no signals
	// Confirmed counts verdicts of the running HAL9 that are as the live configuration gives them here, and
	// Unlike the others: what it learnt before makes a difference, or it runs another configuration.
	Confirmed int `json:"confirmed,omitempty"`
	Unlike    int `json:"unlike,omitempty"`
}

// Pair lets signals pass through both configurations. It is not safe for concurrent use.
type Pair struct {
	live, shadow *half
	summary      Summary
	differs      func(*Difference)
}

// New returns a pair whose clock shows start; differs is told each difference.
func New(live, other config.File, start time.Time, differs func(*Difference)) (*Pair, error) {
	p := &Pair{differs: differs, summary: Summary{Changes: make(map[string]int)}}
	var err error
	if p.live, err = newHalf(live, start); err != nil {
		return nil, err
	}
	p.shadow, err = newHalf(other, start)
	return p, err
}

// Message is one message as each configuration's door reads it.
type Message struct {
	At           time.Time // when it came; not before the one before
	Live, Shadow rehearsal.Message
}

// Take lets a message through both and compares.
func (p *Pair) Take(ctx context.Context, m Message) error {
	live, err := p.live.take(ctx, m.At, m.Live)
	if err != nil {
		return err
	}
	other, err := p.shadow.take(ctx, m.At, m.Shadow)
	if err != nil {
		return err
	}
	p.summary.Signals++
	a, b := answerOf(live), answerOf(other)
	if same(a, b) {
		return nil
	}
	p.summary.Different++
	p.summary.Changes[a.name()+" -> "+b.name()]++
	d := Difference{Time: p.live.now(), Live: a, Shadow: b}
	for _, v := range []*layers.Verdict{other, live} {
		if v != nil {
			d.SignalID, d.Source = v.SignalID, v.Source
		}
	}
	p.differs(&d)
	return nil
}

// Advance moves both clocks on.
func (p *Pair) Advance(ctx context.Context, to time.Time) error {
	if err := p.live.rehearsal.Advance(ctx, to); err != nil {
		return err
	}
	return p.shadow.rehearsal.Advance(ctx, to)
}

// Summary returns what the comparison has come to.
func (p *Pair) Summary() Summary {
	s := p.summary
	s.Live, s.Shadow = p.live.side, p.shadow.side
	return s
}

// half is one configuration with what it answered last.
type half struct {
	rehearsal *rehearsal.Rehearsal
	side      Side
	last      *layers.Verdict
}

func newHalf(file config.File, start time.Time) (h *half, err error) {
	h = &half{side: Side{Answers: make(map[string]int)}}
	h.rehearsal, err = rehearsal.New(file, start, h)
	return h, err
}

func (h *half) now() time.Time { return h.rehearsal.Now() }

func (h *half) take(ctx context.Context, at time.Time, m rehearsal.Message) (*layers.Verdict, error) {
	if err := h.rehearsal.Advance(ctx, at); err != nil {
		return nil, err
	}
	h.last = nil
	err := h.rehearsal.Take(ctx, m)
	return h.last, err
}

// Verdict implements rehearsal.Audience.
func (h *half) Verdict(v *layers.Verdict) {
	if h.last == nil { // What follows is about HAL9's own signals.
		h.last = v
	}
	h.side.Answers[answerOf(v).name()]++
}

// Situation implements rehearsal.Audience.
func (h *half) Situation(s *layers.Situation) {
	if s.Event == layers.SituationOpened {
		h.side.Situations++
	}
}

// Plan implements rehearsal.Audience.
func (h *half) Plan(p *layers.Plan) {
	if p.Event == layers.PlanProposed {
		h.side.Plans++
	}
}

func answerOf(v *layers.Verdict) *Answer {
	if v == nil {
		return nil
	}
	a := &Answer{
		Layer: v.Layer, Disposition: v.Disposition, Rule: v.Rule, Situation: v.SituationID != "", Severity: v.Severity, Key: v.Key,
		Reason: v.Reason,
	}
	if v.Layer == layers.NameL5 {
		a.Rule = "" // The most endangered objective, which depends on what came before.
	}
	for _, class := range v.Classes {
		a.Classes = append(a.Classes, class.Label)
	}
	slices.Sort(a.Classes)
	return a
}

func (a *Answer) name() string {
	if a == nil {
		return "no answer"
	}
	return a.Layer.String() + " " + a.Disposition.String()
}

func same(a, b *Answer) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Layer == b.Layer && a.Disposition == b.Disposition && a.Rule == b.Rule && a.Situation == b.Situation &&
		a.Severity == b.Severity && a.Key == b.Key && slices.Equal(a.Classes, b.Classes)
}
