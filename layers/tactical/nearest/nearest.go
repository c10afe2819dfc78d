// Package nearest finds the vectors that are nearest to one among many: a hierarchical navigable small world graph (Malkov and
// Yashunin, "Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs", 2016).
//
// Three things differ from the paper. A vector's level comes from a hash of its number, not from chance: the same calls in the
// same order build the same graph and find the same. Links go both ways always, so that a vector is taken out for good, at once,
// and those around it are linked with each other: nothing is marked as deleted and nothing needs to be built anew. And a full
// vector gives up one link for a better one instead of choosing all of them again, so that no addition takes much longer than
// the others.
//
// A search finds its way by codes of a quarter of the vectors' size, and compares what it found by the vectors themselves.
//
// It promises no exact answer but where there are few vectors, which are compared one by one. Vectors lie one behind the other in one slice, their codes
// and links in others. An Index is not safe for concurrent use.
package nearest

import (
	"math"
	"slices"
)

// Config says how good and how costly the graph is.
type Config struct {
	// Links is how many vectors a new one is linked with on each level, 2 to 64; the lowest level allows twice as many. Default 24.
	Links int
	// Breadth is how many candidates a search and an addition keep, 1 to 1,000. Default 320.
	Breadth int
	// Few is up to how many vectors all are compared. Default 200.
	Few int
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Links: 24, Breadth: 320, Few: 200} }

// Hit is a vector that was found.
type Hit struct {
	ID         uint32
	Similarity float32 // cosine, -1 to 1
}

// nobody stands for no vector.
const nobody = ^uint32(0)

// Index holds vectors. Those that are equal have one place in the graph, so that it need not be wide where the same comes again
// and again. Ids are small numbers that are used again once a vector is removed.
type Index struct {
	graph  *graph
	places []uint32            // by id: the graph's id of its vector; nobody where the id is free
	free   []uint32            // ids to use again
	equal  [][]uint32          // by the graph's id: whose vector it is, the last one added last
	known  map[uint64][]uint32 // by hash: the graph's ids of the vectors
	found  []Hit
}

// New returns an empty index. What the configuration leaves out takes its default.
func New(cfg Config) *Index { return &Index{graph: newGraph(cfg), known: map[uint64][]uint32{}} }

// Len returns how many vectors there are.
func (x *Index) Len() int { return len(x.places) - len(x.free) }

// Search returns the k most similar to a vector of length 1, the most similar first and of equal ones the last added; fewer only where there are fewer.
// It overwrites what into holds.
func (x *Index) Search(v *Vector, k int, into []Hit) []Hit {
	x.found = x.graph.find(v, k, x.found)
	return x.members(k, into)
}

// Add adds a vector of length 1 and returns its id and, as Search does, what was nearest to it before: an addition searches anyway.
func (x *Index) Add(v *Vector, k int, into []Hit) (id uint32, near []Hit) {
	place, isKnown := x.place(v)
	if isKnown {
		near = x.Search(v, k, into)
	} else {
		place, x.found = x.graph.add(v, k, x.found)
		near = x.members(k, into)
		if int(place) == len(x.equal) {
			x.equal = append(x.equal, nil)
		}
		sum := v.hash()
		x.known[sum] = append(x.known[sum], place)
	}
	if last := len(x.free) - 1; last >= 0 {
		id, x.free = x.free[last], x.free[:last]
		x.places[id] = place
	} else {
		id = uint32(len(x.places))
		x.places = append(x.places, place)
	}
	x.equal[place] = append(x.equal[place], id)
	return id, near
}

// Remove takes a vector out; it does nothing for an id that is not in use.
func (x *Index) Remove(id uint32) {
	if int(id) >= len(x.places) || x.places[id] == nobody {
		return
	}
	place := x.places[id]
	x.places[id], x.free = nobody, append(x.free, id)
	x.equal[place] = without(x.equal[place], id)
	if len(x.equal[place]) > 0 {
		return
	}
	sum := x.graph.vectors[place].hash()
	if x.known[sum] = without(x.known[sum], place); len(x.known[sum]) == 0 {
		delete(x.known, sum)
	}
	x.graph.remove(place)
}

// without takes an id out of a list, which keeps its order. It mostly is the first, since the oldest goes first.
func without(ids []uint32, id uint32) []uint32 {
	at := slices.Index(ids, id)
	if at == 0 {
		return ids[1:]
	}
	return slices.Delete(ids, at, at+1)
}

// place returns where in the graph a vector is already.
func (x *Index) place(v *Vector) (place uint32, ok bool) {
	for _, place := range x.known[v.hash()] {
		if x.graph.vectors[place] == *v {
			return place, true
		}
	}
	return nobody, false
}

// members returns the first k of those that have the vectors found in the graph.
func (x *Index) members(k int, into []Hit) []Hit {
	into = into[:0]
	for _, h := range x.found {
		for _, id := range slices.Backward(x.equal[h.ID]) {
			if len(into) >= k {
				return into
			}
			into = append(into, Hit{id, h.Similarity})
		}
	}
	return into
}

// hash is FNV-1a over the numbers' bits.
func (v *Vector) hash() uint64 {
	sum := uint64(14695981039346656037)
	for _, x := range v {
		sum = (sum ^ uint64(math.Float32bits(x))) * 1099511628211
	}
	return mix(sum)
}
