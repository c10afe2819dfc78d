package nearest

// firm is how many of a new vector's links are made whatever those concerned have; of those that hold on to fewer than fewest links
// none is taken where another one can be.
const (
	firm   = 2
	fewest = 4
)

// attach links a new vector on one level with those of the pool that lie in different directions: one that is nearer to a
// chosen one than to the new one can be reached by it (the paper's algorithm 4).
func (g *graph) attach(id uint32, l int) {
	g.choose(id)
	for i, h := range g.chosen {
		g.connect(id, h, &g.levels[l], i < firm)
	}
}

func (g *graph) choose(id uint32) {
	g.chosen = g.chosen[:0]
	for _, c := range g.pool {
		if len(g.chosen) == g.cfg.Links {
			return
		}
		if c.ID != id && !g.isReached(c.Hit, g.chosen) {
			g.chosen = append(g.chosen, c.Hit)
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

// victim says whose link a full vector gives up for a new one: of those that can be reached by the new one the most similar,
// since far ones hold the graph together, else the least similar of all; nobody where the new one itself can be reached by another,
// or is the least similar.
func (g *graph) victim(id uint32, with Hit, l *level, must bool) uint32 {
	reached, least := Hit{ID: nobody}, Hit{ID: nobody}
	for _, h := range l.of(with.ID) {
		between := Dot(&g.vectors[id], &g.vectors[h.ID])
		if !must && h.Similarity > with.Similarity && between >= with.Similarity {
			return nobody
		}
		if int(l.count[l.slots[h.ID]]) <= min(fewest, l.most/2) {
			continue
		}
		if between >= h.Similarity && (reached.ID == nobody || isBetter(h, reached)) {
			reached = h
		}
		if least.ID == nobody || isBetter(least, h) {
			least = h
		}
	}
	switch {
	case reached.ID != nobody:
		return reached.ID
	case least.ID != nobody && (must || with.Similarity > least.Similarity):
		return least.ID
	default:
		return nobody
	}
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
