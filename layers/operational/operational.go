// Package operational is L3: it knows what is normal for each key and when, flags what leaves
// it, and makes situations of the flagged signals that belong together.
//
// All windows are in event time and all state is bounded: Config.MaxKeys series with their
// baselines, of which the least recently used are forgotten first, and Config.MaxSituations
// open situations. Decisions depend on the order of the envelopes and on nothing else.
//
// A numeric series is scored from its past only, whatever the order of arrival. A signal that
// is flagged on its own account (critical, first of its kind) is flagged in every arrival order;
// one that is flagged by a baseline near its threshold may depend on which samples came first.
// Of the signals that may open a situation, the same ones end in the same situation in every
// arrival order that delays each of them by less than Lateness, provided that each is related
// to every other of its group and to none outside it, and that no pause between two neighbours,
// in event time, is within Lateness of SituationGap.
package operational

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Layer is L3 for one partition of the keys. It implements layers.Layer, layers.Keeper and
// layers.Ticker.
type Layer struct {
	cfg        Config
	keys       *keyTable
	correlator *correlator // nil where another partition correlates
}

// New returns a layer that knows no key yet. The correlator is the instance that sees the
// flagged signals of all partitions and makes situations of them; the others send it theirs.
func New(cfg Config, correlator bool) (*Layer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Layer{cfg: cfg, keys: newKeyTable(cfg.MaxKeys)}
	if correlator {
		l.correlator = newCorrelator(cfg)
	}
	return l, nil
}

// Decide answers what is normal for its key, and hands up or folds into a situation what is
// not. It fails on a value that is no number, permanently, and on nothing else.
func (l *Layer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	if e.HasValue && (math.IsNaN(e.Value) || math.IsInf(e.Value, 0)) {
		return layers.Decision{}, layers.Permanent(fmt.Errorf("operational: value %v of %q: want a finite number", e.Value, short(e.ID)))
	}
	at := eventTime(e)
	if !e.Findings.Flagged { // else another partition has judged it
		j := l.judge(e, at)
		e.Findings.Anomaly, e.Findings.Flagged = j.anomaly, j.flagged
		if !j.flagged {
			return l.resolve(e, at, j), nil
		}
		e.Findings.FlagReason = plain(j.reason, reasonMax)
	}
	if l.correlator == nil {
		return layers.Decision{
			Disposition: layers.DispositionEscalated, Correlate: true, Reason: e.Findings.FlagReason,
		}, nil
	}
	return l.correlator.decide(e, at), nil
}

// resolve answers a signal that is normal. Its event time may still close situations.
func (l *Layer) resolve(e *layers.Envelope, at time.Time, j judgement) layers.Decision {
	d := layers.Decision{Disposition: layers.DispositionResolved, Reason: plain(j.reason, reasonMax)}
	if l.correlator != nil {
		d.Events = l.correlator.pass(short(e.Source), at)
	}
	return d
}

// Waiting reports whether a situation is open, which silence would close.
func (l *Layer) Waiting() bool { return l.correlator != nil && len(l.correlator.open) > 0 }

// Tick closes the situations whose last member came longer than SituationGap + Lateness ago.
func (l *Layer) Tick(now time.Time) []layers.Event {
	if l.correlator == nil {
		return nil
	}
	return l.correlator.tick(now)
}

// eventTime returns the event time of e, or failing a sane one the time it was received. What
// is announced carries it, and JSON knows no year beyond 9999.
func eventTime(e *layers.Envelope) time.Time {
	for _, at := range [...]time.Time{e.Time, e.ReceivedAt} {
		if year := at.Year(); year >= 2 && year < 9999 && !at.IsZero() {
			return at.UTC()
		}
	}
	return time.Unix(0, 0).UTC()
}
