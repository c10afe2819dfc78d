// Package reflexive is L1: it asks whether there is an answer already. It suppresses signals
// that come twice, alerts that still fire, that somebody silenced or acknowledged, that another alert explains or that
// flap; it answers by rules and remembers their answers, and hands up the rest. What it remembers
// of signals is a bounded cache of the recent past: losing it lets a duplicate climb, never a signal get lost. What
// is known of alerts and what people said stands on a Board, which all processes of L1 share by way of a bucket.
package reflexive

import (
	"context"

	"github.com/maypok86/otter/v2"

	"github.com/2lab-ai/hal9/layers"
)

var _ layers.Layer = (*Layer)(nil)

// What the reasons of the built-in answers say, and how the rules are called that are none of the configuration.
const (
	ruleDebug     = "builtin:debug"
	ruleFlapping  = "flapping"
	ruleSilence   = "silence:"
	ruleAck       = "ack:"
	ruleInhibit   = "inhibit:"
	reasonDebug   = "severity debug: kept for the record, nobody needs to see it"
	reasonUnknown = "neither a duplicate nor answered by a rule"
)

// Layer is L1. Use New.
type Layer struct {
	windowMicros int64
	window       string // for reasons
	flaps        Flapping
	board        *Board
	cfg          Config
	hash         hasher
	identities   *recent[identity]
	answers      *otter.Cache[digest, answer]
	stats        *stats // a scout's are those of its layer

	debug, unknown layers.Decision // what it answers most
}

// New returns a layer for a valid cfg, with a board of its own. compile turns what the rules say into conditions; it
// may be nil where there are no expressions.
func New(cfg Config, compile layers.Compiler[layers.Signal]) (*Layer, error) {
	board, err := NewBoard(cfg, compile)
	if err != nil {
		return nil, err
	}
	return board.layer(cfg)
}

func (b *Board) layer(cfg Config) (*Layer, error) {
	answers, err := newAnswers(&cfg)
	if err != nil {
		return nil, err
	}
	return &Layer{
		windowMicros: cfg.DedupWindow.Microseconds(), window: cfg.DedupWindow.String(),
		flaps: cfg.Flapping, board: b, cfg: cfg, hash: newHasher(),
		identities: newRecent[identity](cfg.DedupEntries), answers: answers, stats: &stats{},
		debug:   layers.Decision{Disposition: layers.DispositionResolved, Rule: ruleDebug, Reason: reasonDebug},
		unknown: layers.Decision{Disposition: layers.DispositionEscalated, Reason: reasonUnknown},
	}, nil
}

// Board returns what the layer shares with other processes.
func (l *Layer) Board() *Board { return l.board }

// Scout returns a layer for critical signals that overtake. It knows alerts as L1 does that has come so far, but for those that were known
// before its range began: of these the first climbs once more, unless its sender says that it began when it did. Silences, inhibitions and
// acknowledgements hold.
func (l *Layer) Scout() (*Layer, error) {
	scout, err := l.board.ahead(l.cfg.DedupEntries).layer(l.cfg)
	if err == nil {
		scout.stats = l.stats
	}
	return scout, err
}

// Decide answers duplicates, what is silenced or inhibited, alerts that are acknowledged, flap or still fire, and
// what a rule answers, in this order; everything else is escalated. A redelivery of the same stored signal gets the
// answer that it got before. Where an alert begins to flap, its findings say so.
func (l *Layer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	key := l.hash.identity(e.Source, e.ID)
	if seen := l.identities.get(key); seen != nil {
		switch {
		case !seen.remembered && seen.origin == e.Origin:
			sayFlapping(seen.decision, e)
			return *seen.decision, nil
		case seen.remembered || l.within(seen.at, e.ReceivedAt.UnixMicro()):
			l.stats.duplicateIDs.Add(1)
			return l.duplicate(seen, e), nil
		}
	}
	d := l.fresh(e)
	sayFlapping(d, e)
	l.identities.put(key, identity{origin: e.Origin, at: e.ReceivedAt.UnixMicro(), decision: d})
	return *d, nil
}

// fresh decides a signal whose identity is new.
func (l *Layer) fresh(e *layers.Envelope) *layers.Decision {
	p := l.board.rules()
	a := l.answer(p, &e.Signal)
	if firing, ok := isAlert(&e.Signal); ok {
		d := l.decideAlert(p, a, e, firing)
		l.counted(d)
		return d
	}
	d, ok := l.silenced(p, a, e)
	if !ok {
		d, ok = l.inhibited(p, a, e)
	}
	if !ok {
		return l.byRule(p, a, e)
	}
	l.counted(&d)
	return &d
}

// byRule decides by the first rule that holds. Its decisions are shared: remembering one takes no memory.
func (l *Layer) byRule(p *policy, a answer, e *layers.Envelope) *layers.Decision {
	switch {
	case a.rule >= 0 && a.cached:
		return &p.rules[a.rule].cached
	case a.rule >= 0:
		return &p.rules[a.rule].fresh
	case e.Severity == layers.SeverityDebug:
		return &l.debug
	default:
		return &l.unknown
	}
}

// within says whether two moments lie in one window. Redelivery reorders, so either may be
// the later one.
func (l *Layer) within(a, b int64) bool { return within(a, b, l.windowMicros) }
