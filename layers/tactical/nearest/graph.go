package nearest

import "math/bits"

// graph holds different vectors and the links between them. Its ids are small numbers that are used again once a vector is removed.
type graph struct {
	cfg     Config
	vectors []Vector
	codes   []code
	marks   []mark
	levels  []level
	height  []int8   // of each id: the highest level that it is on; -1 where the id is free
	free    []uint32 // ids to use again
	top     uint32   // where a search begins; nobody where the graph is empty
	added   uint64   // counts additions
	search  uint32   // counts searches
	query   wide     // what the search looks for
	pool    []candidate
	near    []Hit // the first of the pool, as near as they really are
	chosen  []Hit
	next    []uint32
	touched float32 // so that touching is not left out by the compiler
	passing int8    // the same, of codes
	passed  []Hit   // candidates that can be reached by a chosen one
}

// mark is what a search needs to know of a vector, by its id.
type mark struct {
	seen uint32  // the search that saw it last
	step float32 // of its code
}

// newGraph returns an empty graph. What the configuration leaves out takes its default.
func newGraph(cfg Config) *graph {
	d := DefaultConfig()
	if cfg.Links < 2 || cfg.Links > 64 {
		cfg.Links = d.Links
	}
	if cfg.Breadth < 1 || cfg.Breadth > 1000 {
		cfg.Breadth = d.Breadth
	}
	if cfg.Few < 1 {
		cfg.Few = d.Few
	}
	return &graph{cfg: cfg, top: nobody, levels: []level{{most: 2 * cfg.Links}}}
}

// len returns how many vectors there are.
func (g *graph) len() int { return len(g.vectors) - len(g.free) }

// find returns at most k vectors, the most similar first. It overwrites what into holds.
func (g *graph) find(v *Vector, k int, into []Hit) []Hit {
	if g.scan(v, k, g.cfg.Few) {
		return g.best(k, into)
	}
	g.descend(v, 0)
	g.explore(0, max(k, g.cfg.Breadth))
	if g.compare(v, k); len(g.near) < k {
		g.scan(v, k, g.len()) // It came to a part that is not linked with the others.
	}
	return g.best(k, into)
}

// add adds a vector of length 1 and returns its id and, as find does, what is nearest to it: an addition searches anyway.
func (g *graph) add(v *Vector, k int, into []Hit) (id uint32, near []Hit) {
	few := g.scan(v, k, g.cfg.Few)
	near = g.best(k, into)
	id = g.place(v)
	height := int(g.height[id])
	if g.top == nobody {
		g.top = id
		return id, near
	}
	g.descend(v, height)
	for l := min(height, int(g.height[g.top])); l >= 0; l-- {
		g.explore(l, max(k, g.cfg.Breadth))
		g.compare(v, k)
		if l == 0 && !few {
			near = g.best(k, into)
		}
		g.attach(id, l)
	}
	if height > int(g.height[g.top]) {
		g.top = id
	}
	return id, near
}

// place finds room for a vector on the levels that it is to be on.
func (g *graph) place(v *Vector) (id uint32) {
	if last := len(g.free) - 1; last >= 0 {
		id, g.free = g.free[last], g.free[:last]
		g.vectors[id] = *v
	} else {
		id = uint32(len(g.vectors))
		g.vectors, g.height = append(g.vectors, *v), append(g.height, 0)
		g.codes, g.marks = append(g.codes, code{}), append(g.marks, mark{})
	}
	g.codes[id], g.marks[id].step = v.encode()
	g.added++
	height := min(bits.TrailingZeros64(mix(g.added))/4, 8) // One in sixteen is on the next level, too.
	g.height[id] = int8(height)
	for l := 0; l <= height; l++ {
		if l == len(g.levels) {
			g.levels = append(g.levels, level{most: g.cfg.Links})
		}
		g.levels[l].admit(id)
	}
	return id
}

// mix makes a number that looks like chance (SplitMix64, Steele et al. 2014).
func mix(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// remove takes a vector out; it does nothing for an id that is not in use.
func (g *graph) remove(id uint32) {
	if int(id) >= len(g.height) || g.height[id] < 0 {
		return
	}
	height := int(g.height[id])
	for l := height; l >= 0; l-- {
		g.detach(id, l)
		g.levels[l].dismiss(id)
	}
	g.height[id] = -1
	g.free = append(g.free, id)
	if g.top != id {
		return
	}
	g.top = nobody
	for l := height; l >= 0 && g.top == nobody; l-- {
		g.top = g.levels[l].anyone()
	}
}
