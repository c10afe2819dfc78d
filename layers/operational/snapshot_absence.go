package operational

import (
	"maps"
	"slices"
	"strings"
)

// absences describes what is known of the whole and of the sources, in the order of their names. Keys bring their own.
func (c *codec) absences(a *absences) {
	c.activity(&a.active)
	c.habit(&a.wall)
	c.int(&a.pace.hour)
	a.pace.fields(c.float)
	sources := a.named()
	list(c, &sources, 6, func(s **sourceState) {
		if c.reading {
			*s = &sourceState{}
			(*s).wait.source = *s
		}
		c.source(*s)
	})
	if !c.reading {
		return
	}
	for _, s := range sources {
		if a.sources[s.name] != nil {
			c.fail()
			return
		}
		a.sources[s.name] = s
	}
}

func (c *codec) source(s *sourceState) {
	c.text(&s.name)
	c.activity(&s.active)
	c.habit(&s.habit)
	c.float(&s.left)
	c.int(&s.leftAt)
	if c.layout >= snapshotPaces {
		c.small(&s.erred)
	}
	list(c, &s.births, 2, func(b *birth) {
		c.text(&b.name)
		c.int(&b.at)
	})
	if len(s.births) > birthsMax {
		c.fail()
	}
}

func (c *codec) milds(milds *[]mild) {
	list(c, milds, 8, func(m *mild) {
		c.time(&m.at)
		c.text(&m.series)
		c.float(&m.surprise)
		list(c, &m.tokens, 2, c.token)
		if c.layout >= snapshotTimeline {
			c.loose(&m.loose)
		} else {
			m.taken = true
		}
	})
	if len(*milds) > mildMax {
		c.fail()
	}
}

func (c *codec) loose(l *loose) {
	for _, text := range [...]*string{&l.id, &l.source, &l.key, &l.node} {
		c.text(text)
	}
	c.time(&l.received)
	c.severity(&l.severity)
	c.float(&l.anomaly)
	c.bool(&l.taken)
	c.bool(&l.mild)
}

func (c *codec) token(t *token) {
	c.text(&t.kind)
	c.text(&t.value)
}

func (c *codec) activity(a *activity) {
	c.int(&a.bucket)
	c.int(&a.count)
	c.int(&a.behind)
}

// habit describes one that may not be there.
func (c *codec) habit(h **habit) {
	has := *h != nil
	c.bool(&has)
	if !has {
		return
	}
	if c.reading {
		*h = &habit{}
	}
	own := *h
	for _, n := range [...]*int64{&own.last, &own.lastAt, &own.hour, &own.since, &own.due} {
		c.int(n)
	}
	for _, x := range [...]*float64{&own.gaps, &own.longest} {
		c.float(x)
	}
	own.tail.fields(c.float)
	own.usual.fields(c.float)
	for i := range own.hours {
		c.uint(&own.hours[i])
	}
	silent := own.silence != nil
	c.bool(&silent)
	if !silent {
		return
	}
	if c.reading {
		own.silence = &silence{}
	}
	for _, text := range [...]*string{&own.silence.id, &own.silence.source, &own.silence.key} {
		c.text(text)
	}
}

// topology describes the graph, node by node, and what is not sure yet.
func (c *codec) topology(t *topology) {
	c.uint(&t.clock)
	nodes := slices.SortedFunc(maps.Values(t.nodes), func(a, b *node) int { return strings.Compare(a.name, b.name) })
	list(c, &nodes, 4, func(n **node) {
		if c.reading {
			*n = &node{}
		}
		c.text(&(*n).name)
		c.uint(&(*n).seen)
		list(c, &(*n).needs, 1, c.text)
		list(c, &(*n).users, 1, c.text)
	})
	spans := slices.Clone(t.spans.slots)
	list(c, &spans, 3, func(s *traceSpan) {
		c.text(&s.id)
		c.text(&s.service)
		c.bool(&s.waits)
	})
	var places []int
	for i, hash := range t.once {
		if hash != 0 {
			places = append(places, i)
		}
	}
	once := make([]uint64, edgesOnce)
	list(c, &places, 2, func(place *int) {
		c.small(place)
		if *place >= edgesOnce {
			c.fail()
			return
		}
		if !c.reading {
			once[*place] = t.once[*place]
		}
		c.uint(&once[*place])
	})
	if !c.reading {
		return
	}
	for _, n := range nodes {
		t.nodes[n.name] = n
	}
	if len(spans) != 0 && len(spans) != spansMax || len(nodes) > topologyNodes || !t.isWhole() {
		c.fail()
		return
	}
	t.spans.slots, t.once = spans, once
}

// isWhole reports whether each edge has both its ends.
func (t *topology) isWhole() bool {
	for _, n := range t.nodes {
		for _, other := range slices.Concat(n.needs, n.users) {
			if t.nodes[other] == nil {
				return false
			}
		}
	}
	return true
}
