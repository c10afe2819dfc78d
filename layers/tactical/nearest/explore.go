package nearest

import "slices"

// candidate is a vector that a search has come to.
type candidate struct {
	Hit
	explored bool
}

// abreast is how many candidates a search takes along on its way down: those of one only often end in the wrong cluster.
const abreast = 8

// descend moves from the top to the level above height, and leaves in the pool where it came to.
func (g *graph) descend(v *Vector, height int) {
	g.pool = append(g.pool[:0], candidate{Hit: Hit{g.top, Dot(v, &g.vectors[g.top])}})
	for l := int(g.height[g.top]); l > height; l-- {
		g.explore(v, l, abreast)
	}
}

// explore widens the pool on one level to the breadth most similar that it can find from there, the most similar first.
func (g *graph) explore(v *Vector, l, breadth int) {
	g.begin()
	if len(g.pool) > breadth {
		g.pool = g.pool[:breadth]
	}
	for i := range g.pool {
		g.pool[i].explored = false
		g.seen[g.pool[i].ID] = g.search
	}
	for next := 0; next < len(g.pool); {
		if g.pool[next].explored {
			next++
			continue
		}
		g.pool[next].explored = true
		for _, id := range g.unseen(g.levels[l].of(g.pool[next].ID)) {
			if at := g.keep(Hit{id, Dot(v, &g.vectors[id])}, breadth); at < next {
				next = at
			}
		}
	}
}

// unseen returns those that the search has not come to yet. It touches their vectors, so that they come from memory all
// at once and not one after the other.
func (g *graph) unseen(links []Hit) []uint32 {
	g.next = g.next[:0]
	for _, h := range links {
		if g.seen[h.ID] != g.search {
			g.seen[h.ID] = g.search
			g.next = append(g.next, h.ID)
		}
	}
	var touched float32
	for _, id := range g.next {
		v := &g.vectors[id]
		touched += v[0] + v[16] + v[32] + v[48] + v[64] + v[80] + v[96] + v[112]
	}
	g.touched = touched
	return g.next
}

// begin starts a search that has seen nothing yet.
func (g *graph) begin() {
	if g.search++; g.search == 0 {
		clear(g.seen)
		g.search = 1
	}
}

// keep puts a hit where it belongs in the pool, if it does, and returns where.
func (g *graph) keep(h Hit, most int) (at int) {
	pool := g.pool
	if len(pool) >= most && !isBetter(h, pool[len(pool)-1].Hit) {
		return len(pool)
	}
	low, high := 0, len(pool)
	for low < high {
		if middle := (low + high) / 2; isBetter(h, pool[middle].Hit) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if len(pool) < most {
		pool = append(pool, candidate{})
	}
	copy(pool[low+1:], pool[low:])
	pool[low] = candidate{Hit: h}
	g.pool = pool
	return low
}

// isBetter orders hits: the more similar first, of equals that with the lower id.
func isBetter(a, b Hit) bool {
	return a.Similarity > b.Similarity || a.Similarity == b.Similarity && a.ID < b.ID
}

// scan fills the pool with the k most similar by comparing all, where they are not more than most, and says whether it did.
func (g *graph) scan(v *Vector, k, most int) bool {
	g.pool = g.pool[:0]
	if g.len() > most {
		return false
	}
	for id := range g.vectors {
		if k > 0 && g.height[id] >= 0 {
			g.keep(Hit{uint32(id), Dot(v, &g.vectors[id])}, k)
		}
	}
	return true
}

// best returns the first k of the pool.
func (g *graph) best(k int, into []Hit) []Hit {
	into = slices.Grow(into[:0], max(0, k))
	for _, c := range g.pool[:min(max(0, k), len(g.pool))] {
		into = append(into, c.Hit)
	}
	return into
}
