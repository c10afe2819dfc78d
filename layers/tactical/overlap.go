package tactical

import (
	"cmp"
	"encoding/binary"
	"slices"
)

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
//
// Situations that differ in their names only (this disk, that disk) are of one shape. All of them that share no name with the query are
// equally similar to it, so of a shape the most recent ones are enough, however many there are; those that do share a name
// are found by it.
type overlapIndex struct {
	entries map[uint64]*variant
	shapes  map[string]*shape
	common  map[uint64][]*shape   // by feature that is no name, in the order of their first situation
	named   map[uint64][]*variant // by feature that is a name
	query   uint64                // counts the calls of Nearest
}

// shape is what situations have in common that differ in names only.
type shape struct {
	id       string
	features []feature // but for the names
	weight   uint32    // with the names
	outline  uint64    // one bit for every feature, shared by others: bit id%64
	numbers  []uint64  // of its situations, upwards
	variants map[string]*variant
	seen     uint64 // the query that looked at it last
}

// variant is a shape with names.
type variant struct {
	shape    *shape
	id       string
	features []feature // all
	names    []feature
	numbers  []uint64
	seen     uint64 // the query that looked at it last
}

func newOverlapIndex() *overlapIndex {
	return &overlapIndex{
		entries: map[uint64]*variant{}, shapes: map[string]*shape{},
		common: map[uint64][]*shape{}, named: map[uint64][]*variant{},
	}
}

// Add makes d findable under number, which must be higher than any before.
func (x *overlapIndex) Add(number uint64, d *description) {
	v := x.variant(d)
	v.numbers = append(v.numbers, number)
	v.shape.numbers = append(v.shape.numbers, number)
	x.entries[number] = v
}

// variant returns the one of a description, a new one where there is none.
func (x *overlapIndex) variant(d *description) *variant {
	all := features(d)
	plain, names := split(all, d)
	id := identify(plain, names, false)
	s := x.shapes[id]
	if s == nil {
		s = &shape{id: id, features: plain, weight: weigh(all), variants: map[string]*variant{}}
		for _, f := range plain {
			s.outline |= 1 << (f.id % 64)
			x.common[f.id] = append(x.common[f.id], s)
		}
		x.shapes[id] = s
	}
	id = identify(nil, names, true)
	v := s.variants[id]
	if v == nil {
		v = &variant{shape: s, id: id, features: all, names: names}
		for _, f := range names {
			x.named[f.id] = append(x.named[f.id], v)
		}
		s.variants[id] = v
	}
	return v
}

// split divides features, ordered by id, into names and others.
func split(all []feature, d *description) (plain, names []feature) {
	own := make([]uint64, 0, maxEntities+1)
	own = append(own, hash(kindKey, d.Key))
	for _, entity := range d.Entities {
		own = append(own, hash(kindEntity, entity))
	}
	for _, f := range all {
		if slices.Contains(own, f.id) {
			names = append(names, f)
		} else {
			plain = append(plain, f)
		}
	}
	return plain, names
}

// identify returns a text that is the same for the same features, and for the weights of the names, with or without what they are.
func identify(plain, names []feature, whole bool) string {
	text := make([]byte, 0, 12*(len(plain)+len(names)))
	for _, f := range plain {
		text = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(text, f.id), f.weight)
	}
	weights := make([]uint32, len(names))
	for i, f := range names {
		weights[i] = f.weight
		if whole {
			text = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(text, f.id), f.weight)
		}
	}
	if !whole {
		slices.Sort(weights)
		for _, weight := range weights {
			text = binary.LittleEndian.AppendUint32(text, weight)
		}
	}
	return string(text)
}

// Remove forgets number.
func (x *overlapIndex) Remove(number uint64) {
	v, ok := x.entries[number]
	if !ok {
		return
	}
	delete(x.entries, number)
	s := v.shape
	v.numbers, s.numbers = without(v.numbers, number), without(s.numbers, number)
	if len(v.numbers) == 0 {
		delete(s.variants, v.id)
		for _, f := range v.names {
			unlist(x.named, f.id, v)
		}
	}
	if len(s.numbers) == 0 {
		delete(x.shapes, s.id)
		for _, f := range s.features {
			unlist(x.common, f.id, s)
		}
	}
}

// without takes a number out of a list that has it. It mostly is the first, since the oldest is forgotten, and moving the rest would cost
// more than all else.
func without(numbers []uint64, number uint64) []uint64 {
	at, _ := slices.BinarySearch(numbers, number)
	if at == 0 {
		return numbers[1:]
	}
	return slices.Delete(numbers, at, at+1)
}

// unlist takes an item out of the list of a feature.
func unlist[T comparable](lists map[uint64][]T, id uint64, item T) {
	list := lists[id]
	at := slices.Index(list, item)
	if at == 0 {
		var none T
		list[0], list = none, list[1:]
	} else {
		list = slices.Delete(list, at, at+1)
	}
	if len(list) == 0 {
		delete(lists, id)
		return
	}
	lists[id] = list
}

// Nearest returns at most limit hits that are at least so similar, the most similar first, the more recent first among equals.
func (x *overlapIndex) Nearest(q *query, limit int, least float64) []hit {
	x.query++
	best := &nearestHits{limit: limit, bar: least, hits: make([]hit, 0, limit+1)}
	for _, f := range q.names {
		for _, v := range slices.Backward(x.named[f.id]) {
			if v.seen == x.query {
				continue
			}
			v.seen = x.query
			if q.canReach(best.bar, v.shape, weigh(q.names)) {
				best.add(v.numbers, similarity(q.features, q.weight, v.features, v.shape.weight), nil)
			}
		}
	}
	x.nearestShapes(q, best)
	return best.hits
}

// nearestShapes adds what shares no name with the query.
func (x *overlapIndex) nearestShapes(q *query, best *nearestHits) {
	remaining := weigh(q.plain)
	isSeen := func(number uint64) bool { return x.entries[number].seen == x.query }
	for _, f := range x.rarestFirst(q.plain) {
		// What shares only the remaining features cannot be similar enough. Weights are whole
		// numbers, so half a unit outweighs every rounding.
		if float64(remaining)+0.5 < best.bar*float64(q.weight) {
			return
		}
		remaining -= f.weight
		for _, s := range slices.Backward(x.common[f.id]) {
			if s.seen == x.query || !q.canReach(best.bar, s, 0) {
				continue
			}
			s.seen = x.query
			best.add(s.numbers, similarity(q.plain, q.weight, s.features, s.weight), isSeen)
		}
	}
}

// rarestFirst orders the features by how many shapes have them.
func (x *overlapIndex) rarestFirst(wanted []feature) []feature {
	ordered := slices.Clone(wanted)
	slices.SortFunc(ordered, func(a, b feature) int {
		return cmp.Or(cmp.Compare(len(x.common[a.id]), len(x.common[b.id])), cmp.Compare(a.id, b.id))
	})
	return ordered
}

// nearestHits collects the best hits.
type nearestHits struct {
	limit int
	bar   float64 // the similarity that a further hit needs, at least
	hits  []hit
}

// add adds the most recent of the numbers, which are all of one similarity, but for those to leave out.
func (n *nearestHits) add(numbers []uint64, similarity float64, leaveOut func(number uint64) bool) {
	if similarity < n.bar {
		return
	}
	added := 0
	for _, number := range slices.Backward(numbers) {
		if leaveOut != nil && leaveOut(number) {
			continue
		}
		if n.hits = keep(n.hits, hit{number, similarity}, n.limit); len(n.hits) == n.limit {
			n.bar = max(n.bar, n.hits[n.limit-1].similarity)
		}
		if added++; added == n.limit {
			return
		}
	}
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
