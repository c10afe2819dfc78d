package tactical

import "github.com/2lab-ai/hal9/layers/tactical/nearest"

// How the graph is made. Vectors of words are easy: among those of the package's test this finds all but a few in a thousand.
const (
	links   = 16
	breadth = 64
)

// exactUpTo is up to how many shapes all comparing is exact.
const exactUpTo = 1000

// index finds what is similar: exactly where it is of the same kind, since what is answered hangs on that, and exactly as well
// while the memory knows few shapes. Beyond, what is less similar is looked for by vectors, and compared exactly once it is found.
type index struct {
	least   float64 // similarity below which nothing is found
	known   float64 // similarity from which on everything is found
	overlap *overlapIndex
	vectors *nearest.Index
	ids     map[uint64]uint32 // by number: the id of its vector
	numbers []uint64          // by id
	found   []nearest.Hit
}

func newIndex(least, known float64) *index {
	return &index{
		least: least, known: known, overlap: newOverlapIndex(), vectors: nearest.New(nearest.Config{Links: links, Breadth: breadth}), ids: map[uint64]uint32{},
	}
}

// Add makes d findable under number, which must be higher than any before.
func (x *index) Add(number uint64, d *description) {
	x.overlap.Add(number, d)
	id, _ := x.vectors.Add(vectorOf(x.overlap.entries[number].shape.features), 0, nil)
	for int(id) >= len(x.numbers) {
		x.numbers = append(x.numbers, 0)
	}
	x.ids[number], x.numbers[id] = id, number
}

// Remove forgets number.
func (x *index) Remove(number uint64) {
	x.overlap.Remove(number)
	if id, ok := x.ids[number]; ok {
		x.vectors.Remove(id)
		delete(x.ids, number)
	}
}

// Nearest returns at most limit hits, the most similar first, the more recent first among equals.
func (x *index) Nearest(d *description, limit int) []hit {
	q := newQuery(d)
	if len(x.overlap.shapes) <= exactUpTo {
		return x.overlap.Nearest(q, limit, x.least)
	}
	hits := x.overlap.Nearest(q, limit, x.known)
	if len(hits) == limit {
		return hits
	}
	best := &nearestHits{limit: limit, bar: x.least, hits: hits}
	x.found = x.vectors.Search(vectorOf(q.plain), 4*limit, x.found)
	for _, found := range x.found {
		number := x.numbers[found.ID]
		v := x.overlap.entries[number]
		if s := similarity(q.features, q.weight, v.features, v.shape.weight); s < x.known {
			best.add([]uint64{number}, s, nil)
		}
	}
	return best.hits
}
