package nearest

import "slices"

// candidate is a vector that a search has come to. Its similarity is that of the codes, in steps of the query's.
type candidate struct {
	Hit
	explored bool
}

// abreast is how many candidates a search takes along on its way down: those of one only often end in the wrong cluster.
const abreast = 8

// descend moves from the top to the level above height, and leaves in the pool where it came to.
func (g *graph) descend(v *Vector, height int) {
	c, _ := v.encode()
	g.query = c.widen()
	g.pool = append(g.pool[:0], candidate{Hit: g.hit(g.top)})
	for l := int(g.height[g.top]); l > height; l-- {
		g.explore(l, abreast)
	}
}

// hit compares a vector with the query by their codes.
func (g *graph) hit(id uint32) Hit {
	return Hit{id, float32(dotCode(&g.query, &g.codes[id])) * g.marks[id].step}
}

// explore widens the pool on one level to the breadth most similar that it can find from there, the most similar first.
func (g *graph) explore(l, breadth int) {
	g.begin()
	if len(g.pool) > breadth {
		g.pool = g.pool[:breadth]
	}
	for i := range g.pool {
		g.pool[i].explored = false
		g.marks[g.pool[i].ID].seen = g.search
	}
	for next := 0; next < len(g.pool); {
		if g.pool[next].explored {
			next++
			continue
		}
		g.pool[next].explored = true
		for _, id := range g.unseen(g.levels[l].of(g.pool[next].ID)) {
			if at := g.keep(g.hit(id), breadth); at < next {
				next = at
			}
		}
	}
}

// unseen returns those that the search has not come to yet. It touches their codes, so that they come from memory all
// at once and not one after the other.
func (g *graph) unseen(links []Hit) []uint32 {
	g.next = slices.Grow(g.next[:0], len(links))[:len(links)]
	n := 0
	for _, h := range links {
		m, isNew := &g.marks[h.ID], 0
		if m.seen != g.search { // Added instead of jumped over: which it is cannot be foretold.
			isNew = 1
		}
		m.seen = g.search
		g.next[n] = h.ID
		n += isNew
	}
	g.next = g.next[:n]
	var touched int8
	for _, id := range g.next {
		c := &g.codes[id]
		touched += c[0] + c[Dimensions/2]
	}
	g.passing = touched
	return g.next
}

// begin starts a search that has seen nothing yet.
func (g *graph) begin() {
	if g.search++; g.search == 0 {
		for i := range g.marks {
			g.marks[i].seen = 0
		}
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

// compare makes of the pool what is near: the first of it, ordered by what the vectors themselves say.
func (g *graph) compare(v *Vector, k int) {
	pool := g.pool[:min(len(g.pool), max(considered*g.cfg.Links, 2*k))]
	var touched float32
	for i := range pool {
		near := &g.vectors[pool[i].ID]
		touched += near[0] + near[16] + near[32] + near[48] + near[64] + near[80] + near[96] + near[112]
	}
	g.touched = touched
	g.near = g.near[:0]
	for i := range pool {
		g.near = append(g.near, Hit{pool[i].ID, Dot(v, &g.vectors[pool[i].ID])})
	}
	slices.SortFunc(g.near, func(a, b Hit) int {
		if isBetter(a, b) {
			return -1
		}
		return 1
	})
}

// scan finds the k most similar by comparing all, where they are not more than most, and says whether it did.
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
	g.near = g.near[:0]
	for _, c := range g.pool {
		g.near = append(g.near, c.Hit)
	}
	return true
}

// best returns the first k of what is near.
func (g *graph) best(k int, into []Hit) []Hit {
	return append(into[:0], g.near[:min(max(0, k), len(g.near))]...)
}
