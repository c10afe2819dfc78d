// Package reflexive is L1: it asks whether there is an answer already. It suppresses signals
// that come twice and alerts that still fire, answers by rules and remembers their answers,
// and hands up the rest. Its state is a bounded cache of the recent past, which is rebuilt and
// not restored: losing it lets a duplicate climb, never a signal get lost.
package reflexive

import (
	"context"

	"github.com/2lab-ai/hal9/layers"
)

var _ layers.Layer = (*Layer)(nil)

// What the reasons of the built-in answers say.
const (
	ruleDebug     = "builtin:debug"
	reasonDebug   = "severity debug: kept for the record, nobody needs to see it"
	reasonUnknown = "neither a duplicate nor answered by a rule"
)

// Layer is L1. Use New.
type Layer struct {
	windowMicros  int64
	ignoreRepeats bool
	window        string // for reasons
	rules         []rule
	hash          hasher
	identities    *recent[identity]
	conditions    *recent[condition]
	answers       *recent[int]
	stats         stats
}

// New returns a layer for a valid cfg. compile turns what the rules say into conditions; it may
// be nil where there are no rules.
func New(cfg Config, compile layers.Compiler[layers.Signal]) (*Layer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	rules, err := compileRules(cfg.Rules, compile)
	if err != nil {
		return nil, err
	}
	return &Layer{
		windowMicros: cfg.DedupWindow.Microseconds(), ignoreRepeats: cfg.IgnoreRepeats,
		window:     cfg.DedupWindow.String(),
		rules:      rules,
		identities: newRecent[identity](cfg.DedupEntries),
		conditions: newRecent[condition](cfg.DedupEntries),
		answers:    newRecent[int](cfg.AnswerEntries),
	}, nil
}

// Decide answers duplicates, alerts that still fire and what a rule answers, in this order;
// everything else is escalated. A redelivery of the same stored signal gets the answer that it
// got before.
func (l *Layer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	key := l.hash.identity(e.Source, e.ID)
	if seen := l.identities.get(key); seen != nil {
		switch {
		case !seen.remembered && seen.origin == e.Origin:
			return seen.decision, nil
		case seen.remembered || l.within(seen.at, e.ReceivedAt.UnixMicro()):
			l.stats.duplicateIDs.Add(1)
			return l.duplicate(seen, e), nil
		}
	}
	d := l.fresh(e)
	l.identities.put(key, identity{origin: e.Origin, at: e.ReceivedAt.UnixMicro(), decision: d})
	return d, nil
}

// fresh decides a signal whose identity is new.
func (l *Layer) fresh(e *layers.Envelope) layers.Decision {
	if !l.ignoreRepeats {
		if d, ok := l.decideAlert(e); ok {
			return d
		}
	}
	if d, ok := l.answer(e); ok {
		return d
	}
	if e.Severity == layers.SeverityDebug {
		return layers.Decision{Disposition: layers.DispositionResolved, Rule: ruleDebug, Reason: reasonDebug}
	}
	return layers.Decision{Disposition: layers.DispositionEscalated, Reason: reasonUnknown}
}

// within says whether two moments lie in one window. Redelivery reorders, so either may be
// the later one.
func (l *Layer) within(a, b int64) bool {
	return max(a, b)-min(a, b) <= l.windowMicros
}
