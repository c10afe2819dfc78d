package implementation

import (
	"cmp"
	"slices"
)

// fanOut is how many templates that differ in one place only make that place variable, even
// where it is the first word or the line is too short for one word in generalises.
const fanOut = 8

// miner keeps the templates of one source, in a tree of fixed depth as Drain does (He et al.,
// ICWS 2017): by the number of tokens, then by the first token. Below it compares word by word.
type miner struct {
	source string
	leaves map[leafKey][]*template // in the order of creation
	exact  map[uint64]*template    // by the masked line, templates that stand for one only
	fans   map[uint64]int          // by the line with one place left out: how many templates
	order  recency[*template]
	place  entry[*miner] // in library.order
	count  int
	born   uint64
	used   uint64
}

type leafKey struct {
	tokens int
	first  uint64
}

func newMiner(source string) *miner {
	m := &miner{source: source, leaves: map[leafKey][]*template{}, exact: map[uint64]*template{}, fans: map[uint64]int{}}
	m.place.value = m
	return m
}

// find returns the template of the line, nil where there is none, and makes it more general
// where the line asks for it. A structured line has only itself as a template.
func (m *miner) find(l *line, structured bool) *template {
	if t := m.exact[l.hash()]; t != nil || structured {
		return t
	}
	best, differ := m.search(l)
	if differ > 0 {
		m.unindex(best)
		for i := range best.hashes {
			if best.hashes[i] != holeHash && best.hashes[i] != l.tokens[i].hash {
				best.open(i)
			}
		}
		m.index(best)
	}
	return best
}

// search returns the template that differs least; of equals, the one with most words in
// common; of these, the oldest.
func (m *miner) search(l *line) (best *template, differ int) {
	differ, same := maxTokens, 0
	for _, first := range [...]uint64{l.tokens[0].hash, holeHash} {
		for _, t := range m.leaves[leafKey{len(l.tokens), first}] {
			d, s, ok := t.compare(l, differ)
			if !ok || d == differ && s < same || d == differ && s == same && best != nil && best.born < t.born {
				continue
			}
			best, differ, same = t, d, s
		}
		if l.tokens[0].hash == holeHash {
			break
		}
	}
	if best == nil {
		return nil, 0
	}
	return best, differ
}

// add makes the line a template of its own; where it is one of many that differ in one place
// only, that place is variable from the start.
func (m *miner) add(l *line, structured bool) *template {
	t := newTemplate(m.source, l, structured)
	m.born++
	t.born = m.born
	most, place := fanOut-2, -1
	for _, i := range t.fanPlaces() {
		if n := m.fans[t.hashWithout(i)]; n > most && t.kinds[i] != kindState {
			most, place = n, i
		}
	}
	if place >= 0 {
		t.open(place)
	}
	m.index(t)
	m.count++
	return t
}

func (m *miner) remove(t *template) {
	m.unindex(t)
	m.order.remove(&t.place)
	m.count--
}

func (m *miner) index(t *template) {
	key := leafKey{len(t.hashes), t.hashes[0]}
	leaf := m.leaves[key]
	at, _ := slices.BinarySearchFunc(leaf, t.born, func(other *template, born uint64) int { return cmp.Compare(other.born, born) })
	m.leaves[key] = slices.Insert(leaf, at, t)
	if t.isExact() {
		m.exact[t.hash()] = t
	}
	for _, i := range t.fanPlaces() {
		m.fans[t.hashWithout(i)]++
	}
}

func (m *miner) unindex(t *template) {
	key := leafKey{len(t.hashes), t.hashes[0]}
	at := slices.Index(m.leaves[key], t)
	m.leaves[key] = slices.Delete(m.leaves[key], at, at+1)
	if len(m.leaves[key]) == 0 {
		delete(m.leaves, key)
	}
	if t.isExact() {
		delete(m.exact, t.hash())
	}
	for _, i := range t.fanPlaces() {
		key := t.hashWithout(i)
		if m.fans[key]--; m.fans[key] == 0 {
			delete(m.fans, key)
		}
	}
}
