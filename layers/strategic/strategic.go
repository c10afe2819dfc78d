// Package strategic is layer 5: are we meeting our goals? Its Tracker measures service level
// objectives over the stream of verdicts, in rolling windows of event time with error budgets and
// burn rates. Its Layer reviews the situations that climb to the top, new or critical ones, in
// the light of these objectives and of how often the same key has been here before; it is the
// last layer, so it answers everything.
package strategic

import (
	"context"
	"errors"

	"github.com/2lab-ai/hal9/layers"
)

// Layer is layer 5. It implements layers.Layer and layers.Keeper.
//
// A reason quotes the objectives and the trends of the key as they stand when the signal is reviewed. That is the one part
// of a decision that comes from elsewhere than the envelopes; it never changes a disposition.
type Layer struct {
	cfg     Config
	reports func() []Report
	changes func(key string) []Change
	trends  *trends
}

// New returns the layer without trends; reports says how the objectives stand, such as
// Tracker.Reports, and changes what changed about a key, such as Tracker.ChangesOf; nil where nobody knows.
func New(cfg Config, reports func() []Report, changes func(key string) []Change) (*Layer, error) {
	err := cfg.Validate()
	if reports == nil {
		err = errors.Join(err, errors.New("strategic: no reports: want a function such as Tracker.Reports"))
	}
	if err != nil {
		return nil, err
	}
	return &Layer{cfg: cfg, reports: reports, changes: changes, trends: newTrends(cfg.MaxKeys, cfg.TrendDays)}, nil
}

// Decide implements layers.Layer: it answers every envelope, and never fails.
func (l *Layer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	r := review{planID: e.Findings.PlanID, days: l.cfg.TrendDays}
	r.concerned = concerned(l.reports())
	if s := e.Findings.Situation; s != nil {
		r.situation = s
		r.nth = l.trends.count(s.Key, s.ID, dayOf(s, e))
		if l.changes != nil {
			r.changes = l.changes(s.Key)
		}
	}
	decision := layers.Decision{Disposition: layers.DispositionResolved, Reason: r.reason()}
	if len(r.concerned) > 0 {
		decision.Rule = r.concerned[0].Objective
	}
	return decision, nil
}

// dayOf returns the day, counted from 1970, on which the situation opened in event time, but no
// later than the signal was received: a time in the far future would hide the present.
func dayOf(s *layers.Situation, e *layers.Envelope) int64 {
	at := s.OpenedAt
	if at.IsZero() || !e.ReceivedAt.IsZero() && e.ReceivedAt.Before(at) {
		at = e.ReceivedAt
	}
	const day = 24 * 60 * 60
	seconds := at.Unix()
	number := seconds / day
	if seconds%day < 0 {
		number--
	}
	return number
}
