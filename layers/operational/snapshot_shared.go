package operational

import (
	"maps"
	"slices"
)

// shared describes what partitions tell each other, in the order of partitions and sources.
func (c *codec) shared(s *shared) {
	c.bool(&s.told)
	partitions := slices.Sorted(maps.Keys(s.others))
	list(c, &partitions, 1, func(partition *int) {
		c.small(partition)
		s.others[*partition] = true
	})
	list(c, &s.news, 3, func(n *toldNews) {
		c.text(&n.source)
		c.uint(&n.key)
		list(c, &n.words, 1, c.uint)
		if len(n.words) > toldWords {
			c.fail()
		}
	})
	sources := slices.Sorted(maps.Keys(s.erring))
	list(c, &sources, 2, func(source *string) {
		c.text(source)
		keys := s.erring[*source]
		c.small(&keys)
		s.erring[*source] = keys
	})
	if len(s.news) > toldMax || len(s.erring) > erringMax {
		c.fail()
	}
}

func (c *codec) readShared() *shared {
	s := newShared()
	if c.layout >= snapshotShared {
		c.shared(s)
	}
	return s
}
