package reflexive

import (
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// index finds the few of many conditions that can hold for a signal. Each condition stands under the one of its
// guards that fewest others have, and under "always" where it has none.
type index struct {
	fields   []fieldIndex
	prefixes []prefixIndex
	always   []int32
}

// fieldIndex knows by the value of one field which conditions can hold, in their order.
type fieldIndex struct {
	field   string
	byValue map[string][]int32
}

// prefixIndex knows it by how the field begins.
type prefixIndex struct {
	field    string
	length   int // of the prefixes, bytes
	byPrefix map[string][]int32
}

// maxLists is how many lists of candidates one signal can have; conditions beyond stand under "always".
const maxLists = 24

// newIndex indexes conditions by their scopes.
func newIndex(scopes []layers.Scope) *index {
	x := &index{}
	crowd := crowds(scopes)
	for i := range scopes {
		if g := rarest(scopes[i].Guards, crowd); g == nil || !x.add(g, int32(i)) {
			x.always = append(x.always, int32(i))
		}
	}
	return x
}

// crowds counts how many conditions a guard's value would share its place with.
func crowds(scopes []layers.Scope) map[string]int {
	n := map[string]int{}
	for i := range scopes {
		for j := range scopes[i].Guards {
			for _, value := range scopes[i].Guards[j].Values {
				n[scopes[i].Guards[j].Field+"\x00"+value]++
			}
		}
	}
	return n
}

// rarest returns the guard under which a condition is looked at least.
func rarest(guards []layers.Guard, crowd map[string]int) (best *layers.Guard) {
	least := 0
	for i := range guards {
		g := &guards[i]
		if len(g.Values) == 0 || g.Prefix && slices.Contains(g.Values, "") {
			continue
		}
		n := 0
		for _, value := range g.Values {
			n += crowd[g.Field+"\x00"+value]
		}
		if g.Prefix {
			n *= 2 // It fits more signals than one value does.
		}
		if best == nil || n < least {
			best, least = g, n
		}
	}
	return best
}

// add puts a condition under a guard; ok is false where there are too many fields.
func (x *index) add(g *layers.Guard, i int32) (ok bool) {
	lists := 1
	if g.Prefix {
		lists = len(g.Values)
	}
	if len(x.fields)+len(x.prefixes)+lists > maxLists && !x.has(g) {
		return false
	}
	for _, value := range g.Values {
		list := x.listOf(g, value)
		if held := (*list)[value]; len(held) == 0 || held[len(held)-1] != i {
			(*list)[value] = append(held, i)
		}
	}
	return true
}

// has reports whether no new list is needed for a guard.
func (x *index) has(g *layers.Guard) bool {
	for _, value := range g.Values {
		if g.Prefix {
			if !slices.ContainsFunc(x.prefixes, func(p prefixIndex) bool { return p.field == g.Field && p.length == len(value) }) {
				return false
			}
		} else if !slices.ContainsFunc(x.fields, func(f fieldIndex) bool { return f.field == g.Field }) {
			return false
		}
	}
	return true
}

func (x *index) listOf(g *layers.Guard, value string) *map[string][]int32 {
	if !g.Prefix {
		for i := range x.fields {
			if x.fields[i].field == g.Field {
				return &x.fields[i].byValue
			}
		}
		x.fields = append(x.fields, fieldIndex{g.Field, map[string][]int32{}})
		return &x.fields[len(x.fields)-1].byValue
	}
	for i := range x.prefixes {
		if x.prefixes[i].field == g.Field && x.prefixes[i].length == len(value) {
			return &x.prefixes[i].byPrefix
		}
	}
	x.prefixes = append(x.prefixes, prefixIndex{g.Field, len(value), map[string][]int32{}})
	return &x.prefixes[len(x.prefixes)-1].byPrefix
}

// first returns the first condition, in their order, that holds for a signal; -1 where none does.
func (x *index) first(s *layers.Signal, holds func(i int32) bool) int32 {
	var room [maxLists + 1][]int32
	lists := x.candidates(s, room[:0])
	for {
		at := -1
		for j := range lists {
			if len(lists[j]) > 0 && (at < 0 || lists[j][0] < lists[at][0]) {
				at = j
			}
		}
		if at < 0 {
			return -1
		}
		if i := lists[at][0]; holds(i) {
			return i
		}
		lists[at] = lists[at][1:]
	}
}

func (x *index) candidates(s *layers.Signal, lists [][]int32) [][]int32 {
	if len(x.always) > 0 {
		lists = append(lists, x.always)
	}
	for i := range x.fields {
		if value, ok := fieldOf(s, x.fields[i].field); ok {
			if list := x.fields[i].byValue[value]; len(list) > 0 {
				lists = append(lists, list)
			}
		}
	}
	for i := range x.prefixes {
		p := &x.prefixes[i]
		if value, ok := fieldOf(s, p.field); ok && len(value) >= p.length {
			if list := p.byPrefix[value[:p.length]]; len(list) > 0 {
				lists = append(lists, list)
			}
		}
	}
	return lists
}

// fieldOf returns what a guard looks at; ok is false where the signal has no such label.
func fieldOf(s *layers.Signal, field string) (value string, ok bool) {
	switch field {
	case "source":
		return s.Source, true
	case "type":
		return s.Type, true
	case "key":
		return s.Key, true
	}
	value, ok = s.Labels[strings.TrimPrefix(field, "label:")]
	return value, ok
}
