package dead

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Summary is what the letters come to.
type Summary struct {
	Letters  int // that the filter lets through
	Redriven int // that were put back, whatever the filter says
	Oldest   time.Time
	Newest   time.Time
	Groups   []Group // the largest first
}

// Group is letters of one layer and one class of reasons.
type Group struct {
	Layer  string
	Class  string
	Count  int
	Newest uint64 // sequence of the last of them
}

// maxGroups bounds how many are told apart; further ones are counted together.
const maxGroups = 500

// OtherClass is that of the letters beyond maxGroups.
const OtherClass = "other reasons"

// groupKey is what letters of a group have in common.
type groupKey struct{ layer, class string }

// Summary counts the letters that a filter lets through.
func (s *Shelf) Summary(ctx context.Context, f Filter) (Summary, error) {
	sum := Summary{Redriven: s.marks.Count(s.first, s.last)}
	groups := map[groupKey]*Group{}
	err := s.all(ctx, f, func(l *Letter) {
		sum.Letters++
		if sum.Oldest.IsZero() {
			sum.Oldest = l.Stored
		}
		sum.Newest = l.Stored
		group(groups, l)
	})
	for _, g := range groups {
		sum.Groups = append(sum.Groups, *g)
	}
	slices.SortFunc(sum.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Class, b.Class))
	})
	return sum, err
}

func group(groups map[groupKey]*Group, l *Letter) {
	key := groupKey{bounded(l.Layer), Class(l.Reason)}
	if groups[key] == nil && len(groups) >= maxGroups {
		key = groupKey{"", OtherClass}
	}
	g := groups[key]
	if g == nil {
		g = &Group{Layer: key.layer, Class: key.class}
		groups[key] = g
	}
	g.Count++
	g.Newest = l.Seq
}
