package nearest

// firm is how many of a new vector's links are made whatever those concerned have; of those that hold on to fewer than fewest links
// none is taken where another one can be.
const (
	firm   = 2
	fewest = 4
)

// attach links a new vector on one level with those near that lie in different directions: one that is nearer to a
// chosen one than to the new one can be reached by it (the paper's algorithm 4). What is left of its links goes to the nearest
// others that have room, and leave some for links that lead further.
func (g *graph) attach(id uint32, l int) {
	g.choose(id)
	level := &g.levels[l]
	for i, h := range g.chosen {
		g.connect(id, h, level, i < firm)
	}
	for _, h := range g.passed {
		if level.has(h.ID) < level.most*3/4 && level.has(id) < g.cfg.Links {
			g.connect(id, h, level, false)
		}
	}
}

// considered is how many candidates for one link are looked at, at most.
const considered = 4

func (g *graph) choose(id uint32) {
	g.chosen, g.passed = g.chosen[:0], g.passed[:0]
	for _, h := range g.near[:min(len(g.near), considered*g.cfg.Links)] {
		switch {
		case h.ID == id:
		case g.isReached(h, g.chosen):
			g.passed = append(g.passed, h)
		case len(g.chosen) < g.cfg.Links:
			g.chosen = append(g.chosen, h)
		}
		if len(g.chosen) == g.cfg.Links {
			return
		}
	}
}

// isReached reports whether one of the chosen is at least as near to h as the vector is that chooses.
func (g *graph) isReached(h Hit, chosen []Hit) bool {
	for _, other := range chosen {
		if Dot(&g.vectors[h.ID], &g.vectors[other.ID]) >= h.Similarity {
			return true
		}
	}
	return false
}

// connect links a new vector, which has room, with another; where that has none it gives a link up. Unless it must be, no link is
// made that would not be the better one.
func (g *graph) connect(id uint32, with Hit, l *level, must bool) {
	if l.isLinked(id, with.ID) || l.isFull(id) {
		return
	}
	if l.isFull(with.ID) {
		victim := g.victim(id, with, l, must)
		if victim == nobody {
			return
		}
		l.unlink(with.ID, victim)
	}
	l.link(id, with.ID, with.Similarity)
}

// victim says whose link a full vector gives up for a new one: of those that can be reached by the new one the most similar, since
// far links hold the graph together; nobody where there is none or the new one itself can be reached by another. Where it must be
// one, it is the most similar of all then.
func (g *graph) victim(id uint32, with Hit, l *level, must bool) uint32 {
	reached, closest := Hit{ID: nobody}, Hit{ID: nobody}
	for _, h := range l.of(with.ID) {
		between := Dot(&g.vectors[id], &g.vectors[h.ID])
		if !must && h.Similarity > with.Similarity && between >= with.Similarity {
			return nobody
		}
		if l.has(h.ID) <= min(fewest, l.most/2) {
			continue
		}
		if between >= h.Similarity && (reached.ID == nobody || isBetter(h, reached)) {
			reached = h
		}
		if closest.ID == nobody || isBetter(h, closest) {
			closest = h
		}
	}
	if reached.ID == nobody && must {
		return closest.ID
	}
	return reached.ID
}

// detach ends all links of a vector on one level and links those that it was linked with to each other, so that what could be
// reached through it still can be.
func (g *graph) detach(id uint32, l int) {
	level := &g.levels[l]
	left := append(g.chosen[:0], level.of(id)...)
	for _, h := range left {
		level.unlink(id, h.ID)
	}
	for i, a := range left {
		best := Hit{ID: nobody}
		for j, b := range left {
			if i == j || level.isFull(b.ID) && level.isFull(a.ID) || level.isLinked(a.ID, b.ID) {
				continue
			}
			h := Hit{b.ID, Dot(&g.vectors[a.ID], &g.vectors[b.ID])}
			if best.ID == nobody || isBetter(h, best) {
				best = h
			}
		}
		if best.ID != nobody && !level.isFull(a.ID) {
			g.connect(a.ID, best, level, true)
		}
	}
	g.chosen = left[:0]
}
