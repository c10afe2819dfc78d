package operational

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// watcher looks for the configured patterns. The correlator's instance remembers what came of each; the others only know what to hand
// to it.
type watcher struct {
	cfg      Config
	patterns []*watched
	count    int // groups of all patterns,
	hits     int // and their hits
	clock    uint64
	due      map[string]time.Time // event time, by source, at which something that waits for it is sure
}

// watched is one pattern.
type watched struct {
	Pattern
	conditions []layers.Condition[layers.Signal]
	groups     map[string]*group
}

func newWatcher(cfg Config, compile layers.Compiler[layers.Signal]) (*watcher, error) {
	w := &watcher{cfg: cfg, due: map[string]time.Time{}}
	for i := range cfg.Patterns {
		p := &watched{Pattern: cfg.Patterns[i], groups: map[string]*group{}}
		for _, expression := range p.Conditions() {
			condition, err := compile(expression)
			if err != nil {
				return nil, fmt.Errorf("operational: patterns[%d] %q: %w", i, p.Name, err)
			}
			p.conditions = append(p.conditions, condition)
		}
		w.patterns = append(w.patterns, p)
	}
	return w, nil
}

// fresh returns a watcher for the same patterns that knows nothing.
func (w *watcher) fresh() *watcher {
	n := &watcher{cfg: w.cfg, due: map[string]time.Time{}}
	for _, p := range w.patterns {
		n.patterns = append(n.patterns, &watched{Pattern: p.Pattern, conditions: p.conditions, groups: map[string]*group{}})
	}
	return n
}

// watches reports whether a pattern asks for the signal.
func (w *watcher) watches(e *layers.Envelope) bool {
	for _, p := range w.patterns {
		for _, condition := range p.conditions {
			if condition(&e.Signal) {
				return true
			}
		}
	}
	return false
}

// observe takes a signal in, and returns what its time makes sure, and what it completes.
func (w *watcher) observe(e *layers.Envelope, at time.Time) []layers.Event {
	var out notices
	if due, ok := w.due[short(e.Source)]; ok && at.After(due) {
		w.settle(&out, func(h hit, sure time.Duration) bool { return h.source == short(e.Source) && at.Sub(h.at) > sure })
	}
	for _, p := range w.patterns {
		name, ok := p.groupOf(e)
		if !ok {
			continue
		}
		for part, condition := range p.conditions {
			if condition(&e.Signal) {
				w.hit(p, name, newHit(e, at, part, p), &out)
			}
		}
	}
	return out.events
}

func newHit(e *layers.Envelope, at time.Time, part int, p *watched) hit {
	h := hit{
		at: at, received: e.ReceivedAt, part: part, id: strings.Clone(short(e.ID)), source: strings.Clone(short(e.Source)),
		entity: strings.Clone(keyName(e)), severity: e.Severity,
	}
	switch {
	case p.Distinct != "":
		value, _ := fieldOf(e, p.Distinct)
		h.value = strings.Clone(short(value))
	default:
		h.value = strconv.Itoa(part)
	}
	return h
}

// hit adds a hit to its group, and reports what it completes.
func (w *watcher) hit(p *watched, name string, h hit, out *notices) {
	if p.Distinct != "" && h.value == "" {
		return
	}
	g := p.groups[name]
	if g == nil {
		g = &group{name: strings.Clone(name)}
		p.groups[g.name] = g
		w.count++
	}
	w.clock++
	g.used = w.clock
	w.forget()
	if g.isMuted(h.at) {
		return
	}
	before := len(g.hits)
	g.add(h, 2*p.Within+w.cfg.Lateness)
	w.hits += len(g.hits) - before
	switch {
	case p.isLate():
		w.wait(p, g)
	case len(p.Sequence) > 0:
		w.report(p, g, g.chain(len(p.Sequence), p.Within), out)
	default:
		w.report(p, g, g.different(p.Count, p.Within), out)
	}
}

// isLate reports whether a match is sure only when no signal in time can come any more.
func (p *watched) isLate() bool { return p.Missing != "" || p.Without != "" }

// candidate returns what would be a match if nothing else came, and how long after its last hit that is sure.
func (w *watcher) candidate(p *watched, g *group) ([]hit, time.Duration) {
	if p.Missing != "" {
		return g.unfollowed(p.Within), p.Within + w.cfg.Lateness
	}
	return g.chain(len(p.Sequence), p.Within), w.cfg.Lateness
}

// wait notes when the group's candidate is sure.
func (w *watcher) wait(p *watched, g *group) {
	match, sure := w.candidate(p, g)
	if len(match) == 0 {
		return
	}
	last := match[len(match)-1]
	at := last.at.Add(sure).Truncate(time.Second).Add(time.Second) // so that it is looked at once a second at most
	if due, ok := w.due[last.source]; !ok || at.Before(due) {
		w.due[last.source] = at
	}
}

// settle reports the candidates that are sure, and notes when the others will be.
func (w *watcher) settle(out *notices, isSure func(last hit, after time.Duration) bool) {
	clear(w.due)
	for _, p := range w.patterns {
		if !p.isLate() {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(p.groups)) {
			g := p.groups[name]
			for {
				match, sure := w.candidate(p, g)
				if len(match) == 0 || !isSure(match[len(match)-1], sure) {
					break
				}
				w.report(p, g, match, out)
			}
			w.wait(p, g)
		}
	}
}

// waiting reports whether silence will make something sure.
func (w *watcher) waiting() bool { return len(w.due) > 0 }

// tick makes sure what was received so long ago that nothing in time can come.
func (w *watcher) tick(now time.Time) []layers.Event {
	var out notices
	if w.waiting() {
		w.settle(&out, func(h hit, sure time.Duration) bool { return now.Sub(h.received) > sure })
	}
	return out.events
}

// report makes a match a signal.
func (w *watcher) report(p *watched, g *group, match []hit, out *notices) {
	if len(match) == 0 {
		return
	}
	w.hits -= len(g.hits)
	g.mute(match, p.Within)
	out.matched(p, g.name, match)
}

// groupOf returns the values of the fields by which signals belong together; ok is false where the signal lacks one.
func (p *watched) groupOf(e *layers.Envelope) (name string, ok bool) {
	var parts []string
	for _, field := range p.By {
		value, ok := fieldOf(e, field)
		if !ok {
			return "", false
		}
		parts = append(parts, short(value))
	}
	return strings.Join(parts, "\x00"), true
}

// forget makes room.
func (w *watcher) forget() {
	if w.count <= groupsMax && w.hits <= hitsInAll {
		return
	}
	var used []uint64
	for _, p := range w.patterns {
		for g := range maps.Values(p.groups) {
			used = append(used, g.used)
		}
	}
	slices.SortFunc(used, cmp.Compare[uint64])
	least := used[len(used)/4]
	for _, p := range w.patterns {
		maps.DeleteFunc(p.groups, func(_ string, g *group) bool { return g.used < least })
	}
	w.count, w.hits = 0, 0
	for _, p := range w.patterns {
		w.count += len(p.groups)
		for g := range maps.Values(p.groups) {
			w.hits += len(g.hits)
		}
	}
}
