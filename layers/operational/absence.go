package operational

import (
	"container/heap"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

const (
	absencesAtOnce  = 8               // parts of one source that are reported one by one; more are one report
	absencesLeft    = 16              // reports that a source may make at once,
	absencesRefill  = 1.0 / 60        // and so many more with each of its intervals
	birthsMax       = 32              // new keys of a source that are remembered, since one may replace another
	birthsBefore    = 15              // so many intervals before the old one fell silent it may have come
	habitTextGaps   = 100             // gaps before the silence of a message means anything: programs change their words
	liveWithin      = 5 * time.Minute // so near to its event time a live signal is received
	absenceHold     = 24 * time.Hour  // for so long a situation waits for what is silent
	absencesHeldMax = 64              // so many silent ones keep a situation open
)

// absences knows what comes how regularly, and notices what stops: sources, their keys, the series of those, and everything. The
// silence of each is measured by the activity of what it is a part of, so that where the whole stops only the whole is reported.
type absences struct {
	cfg     Config
	active  activity // of all sources
	wall    *habit   // of all live signals, by the time of their receipt; nil before there are any
	sources map[string]*sourceState
	queue   queue // of sources
	pace    pace
}

// sourceState is what is known about one source.
type sourceState struct {
	name   string
	active activity
	habit  *habit
	keys   int // known ones
	erred  int // of which so many had an error, ever
	queue  queue
	left   float64 // reports that it may make
	leftAt int64   // its count when that was so
	births []birth
	wait   waiter
}

// erredNews is how many keys of a source have a first error that is news in itself: where errors are usual, each host has one some day.
const erredNews = 3

// errs counts one more key with an error, and reports whether that is news.
func (s *sourceState) errs() bool {
	s.erred++
	return s.erred <= erredNews
}

// birth is a key that is new in a source that is not.
type birth struct {
	name string
	at   int64 // the source's count
}

func newAbsences(cfg Config) *absences {
	return &absences{cfg: cfg, sources: map[string]*sourceState{}}
}

// attach makes the key a part of its source.
func (a *absences) attach(k *keyState) *sourceState {
	if k.source != nil {
		return k.source
	}
	src, ok := a.sources[k.id.source]
	if !ok {
		src = &sourceState{name: k.id.source, left: absencesLeft}
		src.wait.source = src
		a.sources[src.name] = src
	}
	k.source, k.wait.key = src, k
	src.keys++
	return src
}

// forget removes a key, and its source with its last key.
func (a *absences) forget(k *keyState) {
	src := k.source
	if src == nil {
		return
	}
	src.queue.set(&k.wait, 0)
	if src.keys--; src.keys == 0 {
		a.queue.set(&src.wait, 0)
		delete(a.sources, src.name)
	}
}

// set gives a waiter its place; 0 takes it out.
func (q *queue) set(w *waiter, due int64) {
	switch {
	case due == 0 && w.place == 0:
	case due == 0:
		heap.Remove(q, w.place-1)
	case w.place == 0:
		w.due = due
		heap.Push(q, w)
	case w.due != due:
		w.due = due
		heap.Fix(q, w.place-1)
	}
}

// hear takes note that a signal came, and returns the notices of what returned with it and of what is silent by its time.
func (a *absences) hear(c *cause) []layers.Event {
	k, now := c.key, a.cfg.moment(c.at.Unix())
	c.now, c.calm = now, c.e.Severity < layers.SeverityWarning
	isNew := k.source == nil
	src := a.attach(k)
	if c.e.Severity >= layers.SeverityCritical {
		return nil // Under overload it overtakes the others, and they are not silent because of that.
	}
	allMoved, srcMoved, keyMoved := a.active.pass(now.bucket), src.active.pass(now.bucket), k.active.pass(now.bucket)
	if isNew && src.active.count > habitGaps {
		src.bear(k)
	}
	var out notices
	a.hearWall(c, &out)
	if src.habit == nil {
		src.habit = newHabit(a.active.at(now.bucket), now)
	} else if allMoved || srcMoved {
		out.back(a.cfg, now, src.habit.came(a.active.at(now.bucket), now, c.calm))
		a.queue.set(&src.wait, src.habit.due)
	}
	if keyMoved && k.habit == nil && k.active.count > 1 || keyMoved && k.habit != nil {
		k.hear(src, now, c.calm, &out, a.cfg)
	}
	if keyMoved {
		a.checkSeries(k, now, &out)
	}
	if srcMoved {
		a.checkKeys(src, now, &out)
	}
	if allMoved {
		a.checkSources(now, &out)
	}
	return out.events
}

// hear is for the key's second interval and each later one.
func (k *keyState) hear(src *sourceState, now moment, calm bool, out *notices, cfg Config) {
	if k.habit == nil {
		k.habit = newHabit(src.active.at(now.bucket), now)
		return
	}
	out.back(cfg, now, k.habit.came(src.active.at(now.bucket), now, calm))
	src.queue.set(&k.wait, k.habit.due)
}

// hearSeries takes note that a series of the key came.
func (a *absences) hearSeries(c *cause, s *series) {
	switch {
	case s.habit == nil && c.key.active.count > 1 && len(c.key.series) > 1: // else it is as silent as its key
		s.habit = newHabit(c.key.active.at(c.now.bucket), c.now)
	case s.habit != nil:
		s.habit.came(c.key.active.at(c.now.bucket), c.now, c.calm)
	}
}

// hearWall learns how often anything live is received.
func (a *absences) hearWall(c *cause, out *notices) {
	apart := c.e.ReceivedAt.Sub(c.at)
	if apart > liveWithin+a.cfg.Lateness || apart < -liveWithin {
		return
	}
	now := a.cfg.moment(c.e.ReceivedAt.Unix())
	if a.wall == nil {
		a.wall = newHabit(now.bucket, now)
		return
	}
	out.back(a.cfg, c.now, a.wall.came(now.bucket, now, true))
}

// waiting reports whether silence would be news.
func (a *absences) waiting() bool { return a.wall != nil && a.wall.due != 0 }

// tick reports, once, where nothing live comes any more.
func (a *absences) tick(at time.Time) []layers.Event {
	now := a.cfg.moment(at.Unix())
	if !a.waiting() || a.wall.due > now.bucket || !a.wall.isOver(now.bucket, now) {
		return nil
	}
	n := notice{habit: a.wall, whole: now.bucket, now: now}
	if len(a.sources) == 1 {
		for name, src := range a.sources {
			n.source, n.key = name, src.only()
		}
	}
	var out notices
	if a.cfg.Partitions > 1 {
		a.tickShare(now, &out)
	}
	if len(out.events) == 0 {
		out.add(a.cfg, n)
	}
	return out.events
}

// tickShare reports the sources, or keys, of a partition to which nothing comes. Others may be heard of all the while.
func (a *absences) tickShare(now moment, out *notices) {
	for _, src := range a.named() {
		if h := src.habit; h != nil && h.due != 0 {
			out.add(a.cfg, notice{source: src.name, key: src.only(), habit: h, quiet: true, whole: h.last + now.bucket - a.wall.lastAt, now: now})
			h.due = 0
			a.queue.set(&src.wait, 0)
		}
	}
}

// named returns the sources in the order of their names.
func (a *absences) named() []*sourceState {
	return slices.SortedFunc(maps.Values(a.sources), func(x, y *sourceState) int { return strings.Compare(x.name, y.name) })
}

// restore gives a key of a snapshot its place.
func (a *absences) restore(k *keyState) {
	if k.active.count == 0 { // of a layout that knew nothing of it
		return
	}
	src := a.attach(k)
	if k.habit != nil {
		src.queue.set(&k.wait, k.habit.due)
	}
	if src.habit != nil {
		a.queue.set(&src.wait, src.habit.due)
	}
}

// drop forgets sources without keys.
func (a *absences) drop() {
	for name, src := range a.sources {
		if src.keys == 0 {
			delete(a.sources, name)
		}
	}
}
