package tactical

import (
	"cmp"
	"slices"
)

// index finds what is similar. Numbers are given out upwards by the memory, so a higher
// number is a more recent situation. Another way of comparing, such as vectors with nearest
// neighbours, takes the place of overlapIndex here.
type index interface {
	// Add makes d findable under number, which must be higher than any before.
	Add(number uint64, d *description)
	// Remove forgets number.
	Remove(number uint64)
	// Nearest returns at most limit hits, the most similar first, the more recent first among
	// equals.
	Nearest(d *description, limit int) []hit
}

// hit is something found.
type hit struct {
	number     uint64
	similarity float64 // 0..1
}

// better orders hits as Nearest returns them.
func better(a, b hit) int {
	return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(b.number, a.number))
}

// overlapIndex compares features exactly and looks only at what can be similar enough: two
// situations of similarity t share at least the share t of the weight of either, so they
// share one of the query's rarest features (the prefix filter of Chaudhuri et al., "A Primitive
// Operator for Similarity Joins in Data Cleaning", 2006).
type overlapIndex struct {
	least    float64 // similarity below which nothing is found
	entries  map[uint64]*entry
	postings map[uint64][]*entry // by feature id, ordered by number
	query    uint64              // counts the calls of Nearest
}

// entry is one situation in the index.
type entry struct {
	number   uint64
	features []feature
	weight   uint32
	outline  uint64 // one bit for every feature, shared by others: bit id%64
	seen     uint64 // the query that looked at it last
}

func newOverlapIndex(least float64) *overlapIndex {
	return &overlapIndex{least: least, entries: map[uint64]*entry{}, postings: map[uint64][]*entry{}}
}

// Add implements index.
func (x *overlapIndex) Add(number uint64, d *description) {
	e := &entry{number: number, features: features(d)}
	e.weight = weigh(e.features)
	x.entries[number] = e
	for _, f := range e.features {
		e.outline |= 1 << (f.id % 64)
		x.postings[f.id] = append(x.postings[f.id], e)
	}
}

// Remove implements index.
func (x *overlapIndex) Remove(number uint64) {
	e, ok := x.entries[number]
	if !ok {
		return
	}
	delete(x.entries, number)
	for _, f := range e.features {
		list := x.postings[f.id]
		at, _ := slices.BinarySearchFunc(list, number, func(e *entry, n uint64) int { return cmp.Compare(e.number, n) })
		if at == 0 { // the usual case: the oldest is forgotten, and moving the rest would cost more than all else
			list[0], list = nil, list[1:]
		} else {
			list = slices.Delete(list, at, at+1)
		}
		if len(list) == 0 {
			delete(x.postings, f.id)
			continue
		}
		x.postings[f.id] = list
	}
}

// Nearest implements index.
func (x *overlapIndex) Nearest(d *description, limit int) []hit {
	x.query++
	q := newQuery(d)
	best := make([]hit, 0, limit+1)
	bar := x.least // the similarity that a further hit needs
	remaining := q.weight
	for _, f := range x.rarestFirst(q.features) {
		// What shares only the remaining features cannot be similar enough. Weights are whole
		// numbers, so half a unit outweighs every rounding.
		if float64(remaining)+0.5 < bar*float64(q.weight) {
			break
		}
		remaining -= f.weight
		for _, e := range slices.Backward(x.postings[f.id]) {
			if e.seen == x.query {
				continue
			}
			e.seen = x.query
			if !q.canReach(bar, e) {
				continue
			}
			h := hit{e.number, similarity(q.features, q.weight, e.features, e.weight)}
			if h.similarity < x.least {
				continue
			}
			if best = keep(best, h, limit); len(best) < limit {
				continue
			}
			if bar = best[limit-1].similarity; bar == 1 {
				return best // the list is walked from the most recent, and no hit can be better
			}
		}
	}
	return best
}

// rarestFirst orders the features by how many situations have them.
func (x *overlapIndex) rarestFirst(wanted []feature) []feature {
	ordered := slices.Clone(wanted)
	slices.SortFunc(ordered, func(a, b feature) int {
		return cmp.Or(cmp.Compare(len(x.postings[a.id]), len(x.postings[b.id])), cmp.Compare(a.id, b.id))
	})
	return ordered
}

// keep adds h to the best hits where it belongs to them.
func keep(best []hit, h hit, limit int) []hit {
	at, _ := slices.BinarySearchFunc(best, h, better)
	if at == limit {
		return best
	}
	best = slices.Insert(best, at, h)
	return best[:min(len(best), limit)]
}
