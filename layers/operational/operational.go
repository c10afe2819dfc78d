// Package operational is L3: it knows what is normal for each key and when, flags what leaves
// it, and makes situations of the flagged signals that belong together.
//
// All windows are in event time and all state is bounded: Config.MaxKeys series with their
// baselines, of which the least recently used are forgotten first, and Config.MaxSituations
// open situations. Decisions depend on the order of the envelopes and on nothing else.
//
// A numeric series is scored from its past only, in the order of event time, whatever the order of arrival (see timeline). A signal
// that is flagged on its own account (critical, first of its kind) is flagged in every arrival order; one that is near a threshold may be
// flagged when it comes in one order, and once its neighbours are known, or not at all, in another.
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
	absences   *absences
	graph      *topology
	tunings    layers.Tunings
	watcher    *watcher
	correlator *correlator // nil where another partition correlates
	scratch    draft       // for baselines that have seen what is not learnt yet
	again      []rejudged  // what the signal in hand lets be judged again
	shared     *shared
	judged     float64 // signals in an hour, by the partition of the one in hand
}

// New returns a layer that knows no key yet. The correlator is the instance that sees the
// flagged signals of all partitions and makes situations of them; the others send it theirs.
// compile is for the conditions of patterns.
func New(cfg Config, correlator bool, compile layers.Compiler[layers.Signal]) (*Layer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	watcher, err := newWatcher(cfg, compile)
	if err != nil {
		return nil, err
	}
	l := &Layer{cfg: cfg, absences: newAbsences(cfg), graph: newTopology(), watcher: watcher, shared: newShared()}
	l.keys = newKeyTable(cfg.MaxKeys, l.absences.forget)
	if correlator {
		l.correlator = newCorrelator(cfg)
		l.correlator.chance, l.correlator.graph = l.chance, l.graph
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
	news := l.hear(e)
	if e.Source == OwnSource {
		if d, ok := l.decideOwn(e, at); ok {
			return d, nil
		}
	}
	d := l.decide(e, at, news)
	if l.correlator != nil && len(l.watcher.patterns) > 0 {
		d.Events = append(d.Events, l.watcher.observe(e, at)...)
	}
	return d, nil
}

// decide answers what senders say. told is what another partition says is news about it.
func (l *Layer) decide(e *layers.Envelope, at time.Time, told layers.News) layers.Decision {
	said := l.graph.reader.read(e)
	if e.Findings.Flagged { // another partition has judged it
		l.graph.learn(&said, keyName(e), true)
		return l.hand(e, at, told)
	}
	if e.Findings.FlagReason != "" { // likewise, and found nothing but what it says about the topology
		l.graph.learn(&said, keyName(e), true)
		return l.resolve(e, at, judgement{reason: e.Findings.FlagReason})
	}
	l.again = l.again[:0]
	j, notices := l.judge(e, at)
	e.Findings.Anomaly, e.Findings.Flagged = j.anomaly, j.flagged
	if j.proof != nil {
		e.Findings.Proof().Baseline = j.proof
	}
	var d layers.Decision
	news := l.graph.learn(&said, keyName(e), j.flagged)
	switch {
	case j.flagged:
		e.Findings.FlagReason = plain(j.reason, reasonMax)
		d = l.hand(e, at, j.news)
	case l.correlator == nil && (news || l.cfg.Partitions > 1 && !l.shared.told || l.watcher.watches(e)): // the correlator should know
		e.Findings.FlagReason = plain(j.reason, reasonMax)
		e.Findings.Proof().Share = l.share(0)
		d = layers.Decision{
			Disposition: layers.DispositionEscalated, Correlate: true,
			Reason: e.Findings.FlagReason + "; it tells who depends on whom or is the first of its partition, or a pattern asks for it",
		}
	default:
		d = l.resolve(e, at, j)
	}
	if l.correlator != nil {
		d = l.handAgain(e, d)
	}
	d.Events = append(d.Events, notices...)
	return d
}

// hand gives a flagged signal to the correlator, here or in its partition, with what is news about it.
func (l *Layer) hand(e *layers.Envelope, at time.Time, news layers.News) layers.Decision {
	if l.correlator == nil {
		if l.cfg.Partitions > 1 {
			e.Findings.Proof().Share = l.share(news)
		}
		return layers.Decision{Disposition: layers.DispositionEscalated, Correlate: true, Reason: reasonOf(e)}
	}
	l.compareNews(e, news)
	return l.correlator.decide(e, at)
}

// decideOwn answers what HAL9 said itself; ok is false where that is judged like any other signal.
func (l *Layer) decideOwn(e *layers.Envelope, at time.Time) (d layers.Decision, ok bool) {
	if n, isNotice := readNotice(e); isNotice {
		return l.decideNotice(e, at, n), true
	}
	if m, isMatch := readMatch(e); isMatch {
		return l.decideMatch(e, at, m), true
	}
	return d, false
}

// decideNotice answers what HAL9 said itself: that something is silent, which is flagged like any anomaly, or came again.
func (l *Layer) decideNotice(e *layers.Envelope, at time.Time, n noticeData) layers.Decision {
	e.Findings.Flagged, e.Findings.FlagReason, e.Findings.Anomaly = true, plain(headline(e, "it stopped"), reasonMax), n.Anomaly
	if l.correlator != nil && e.Type == TypeReturn {
		return l.correlator.comeBack(e, n)
	}
	return l.hand(e, at, 0)
}

// decideMatch opens a situation with the signals that met a pattern.
func (l *Layer) decideMatch(e *layers.Envelope, at time.Time, m matchData) layers.Decision {
	e.Findings.Flagged, e.Findings.FlagReason, e.Findings.Anomaly = true, plain(headline(e, m.Pattern), reasonMax), anomalyPattern
	if l.correlator == nil {
		return l.hand(e, at, 0)
	}
	return l.correlator.match(e, at, m)
}

// resolve answers a signal that is normal. Its event time may still close situations.
func (l *Layer) resolve(e *layers.Envelope, at time.Time, j judgement) layers.Decision {
	d := layers.Decision{Disposition: layers.DispositionResolved, Reason: plain(j.reason, reasonMax)}
	if l.correlator != nil {
		d.Events = l.correlator.pass(short(e.Source), at)
	}
	return d
}

// chance is the surprise that one of all that is judged in a day, in all partitions, reaches by chance. As much as in that of the signal in
// hand is taken to be judged in each of those that judge something: what the others are at just now would depend on who comes first.
func (l *Layer) chance() float64 {
	partitions := l.cfg.Partitions
	if l.correlator != nil {
		partitions = len(l.shared.others)
		if l.absences.pace.rate() > 0 {
			partitions++
		}
	}
	return chanceOf(l.judged * float64(max(partitions, 1)))
}

// Waiting reports whether silence would close a situation or be news itself.
func (l *Layer) Waiting() bool {
	return l.correlator != nil && len(l.correlator.open) > 0 || l.absences.waiting() || l.watcher.waiting()
}

// Tick closes the situations whose last member came longer than SituationGap + Lateness ago, and tells where nothing comes any more,
// or not what a pattern waits for.
func (l *Layer) Tick(now time.Time) []layers.Event {
	var events []layers.Event
	if l.correlator != nil {
		events = l.correlator.tick(now)
	}
	events = append(events, l.watcher.tick(now)...)
	return append(events, l.absences.tick(now)...)
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
