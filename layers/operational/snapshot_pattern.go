package operational

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// groupSaid is a group with its pattern, as a snapshot holds it.
type groupSaid struct {
	pattern string // its name and what it looks for
	group   *group
}

// watcher describes what came of the patterns. What belongs to a pattern that is no longer configured so is left out.
func (c *codec) watcher(w *watcher) {
	c.uint(&w.clock)
	var all []groupSaid
	for _, p := range w.patterns {
		for _, name := range slices.Sorted(maps.Keys(p.groups)) {
			all = append(all, groupSaid{p.signature(), p.groups[name]})
		}
	}
	list(c, &all, 6, func(said *groupSaid) {
		if c.reading {
			said.group = &group{}
		}
		c.text(&said.pattern)
		c.group(said.group)
	})
	sources := slices.Sorted(maps.Keys(w.due))
	list(c, &sources, 3, func(name *string) {
		c.text(name)
		at := w.due[*name]
		c.time(&at)
		if c.reading {
			w.due[*name] = at
		}
	})
	if !c.reading {
		return
	}
	for _, said := range all {
		for _, p := range w.patterns {
			if p.signature() == said.pattern && !slices.ContainsFunc(said.group.hits, func(h hit) bool { return h.part >= len(p.conditions) }) {
				p.groups[said.group.name] = said.group
				w.count++
				w.hits += len(said.group.hits)
			}
		}
	}
}

// signature changes where the pattern looks for something else.
func (p *watched) signature() string {
	return short(strings.Join(slices.Concat([]string{p.Name, p.Distinct, p.Within.String()}, p.By, p.Conditions()), "\x00"))
}

func (c *codec) group(g *group) {
	c.text(&g.name)
	c.uint(&g.used)
	muted := !g.to.IsZero()
	c.bool(&muted)
	if muted {
		c.time(&g.from)
		c.time(&g.to)
	}
	list(c, &g.hits, 10, func(h *hit) {
		c.time(&h.at)
		c.time(&h.received)
		c.small(&h.part)
		c.text(&h.id)
		c.text(&h.source)
		c.text(&h.value)
		c.text(&h.entity)
		c.severity(&h.severity)
	})
	if len(g.hits) > hitsMax || !slices.IsSortedFunc(g.hits, compareHits) {
		c.fail()
	}
	if c.reading && !muted {
		g.from, g.to = time.Time{}, time.Time{}
	}
}
