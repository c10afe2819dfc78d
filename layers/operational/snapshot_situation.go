package operational

import (
	"maps"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

func (c *codec) situation(s *openSituation) {
	p := &s.public
	for _, text := range [...]*string{&p.ID, &p.Key, &p.Title} {
		c.text(text)
	}
	c.time(&p.OpenedAt)
	c.time(&p.UpdatedAt)
	c.time(&s.receivedAt)
	c.severity(&p.Severity)
	for _, n := range [...]*int{&p.Revision, &p.Members, &s.nextMembers, &s.nextEntities} {
		c.small(n)
	}
	c.float(&p.Anomaly)
	list(c, &p.MemberIDs, 1, c.text)
	list(c, &s.sources, 4, func(own *sourceSpan) {
		c.text(&own.name)
		c.time(&own.last)
		c.bool(&own.passed)
	})
	list(c, &s.entities, 8, func(n *entity) {
		c.text(&n.name)
		c.float(&n.count)
		c.severity(&n.severity)
		c.time(&n.first)
		if c.layout >= snapshotAbsence {
			c.float(&n.anomaly)
			c.text(&n.node)
		} else {
			n.node = n.name
		}
	})
	list(c, &s.tokens, 2, func(t *token) {
		c.text(&t.kind)
		c.text(&t.value)
	})
	if c.layout >= snapshotAbsence {
		list(c, &s.silent, 1, c.text)
		c.small(&s.notices)
	}
	if c.layout >= snapshotShared {
		c.small(&s.planned)
		c.text(&p.PlanID)
		list(c, &p.Recalled, 3, func(r *layers.Recall) {
			c.text(&r.SituationID)
			c.float(&r.Similarity)
			c.text(&r.Outcome)
		})
	}
	if c.reading {
		s.index()
	}
}

// paces describes them in the order of their sources; what is read goes into the map.
func (c *codec) paces(paces map[string]*alertPace) {
	sources := slices.Sorted(maps.Keys(paces))
	list(c, &sources, 4, func(source *string) {
		c.text(source)
		p := paces[*source]
		if c.reading {
			p = &alertPace{}
			paces[*source] = p
		}
		c.int(&p.since)
		c.int(&p.last)
		c.small(&p.minutes)
	})
	if len(sources) > pacesMax {
		c.fail()
	}
}

func (c *codec) readPaces() map[string]*alertPace {
	paces := map[string]*alertPace{}
	if c.layout >= snapshotPaces {
		c.paces(paces)
	}
	return paces
}

func (c *codec) severity(v *layers.Severity) {
	n := int(*v)
	c.small(&n)
	if n > int(layers.SeverityCritical) {
		c.fail()
		n = 0
	}
	*v = layers.Severity(n)
}

// small describes a count that fits into an int.
func (c *codec) small(n *int) {
	v := uint64(*n)
	c.uint(&v)
	if v > 1<<40 {
		c.fail()
		v = 0
	}
	*n = int(v)
}
