package tactical

import (
	"cmp"
	"maps"
	"slices"
)

// recalled is a remembered situation with its similarity to the present one.
type recalled struct {
	*remembered
	similarity float64 // 0..1
}

// version is what was remembered of a situation at some time. Its text form is what is stored of it.
type version struct {
	Clock  uint64      `json:"clock"`  // when it became so, in changes of this memory
	Number uint64      `json:"number"` // of the situation, in the order in which they climbed
	Now    *remembered `json:"now"`
}

// memory holds the situations planned last, at most limit. It numbers them in the order in which they came; the lowest
// number is forgotten first.
type memory struct {
	limit  int
	index  *index
	items  map[uint64]*version // by number
	byID   map[string]uint64
	oldest uint64 // no item has a lower number
	next   uint64
	clock  uint64 // counts changes

	// What is not told yet, and what it was at the snapshot before where it has changed since, nil where it was not there then.
	fresh map[string]struct{}
	base  map[string]*version
}

func newMemory(limit int, x *index) *memory {
	return &memory{
		limit: limit, index: x, items: map[uint64]*version{}, byID: map[string]uint64{},
		fresh: map[string]struct{}{}, base: map[string]*version{},
	}
}

// find returns the situation with the id, or nil.
func (m *memory) find(id string) *remembered {
	if number, ok := m.byID[clip(id, maxNameBytes)]; ok {
		return m.items[number].Now
	}
	return nil
}

// remember adds r as the most recent, in place of what was remembered of the same situation.
func (m *memory) remember(r *remembered) {
	m.touch(r.ID)
	if number, ok := m.byID[r.ID]; ok {
		m.forget(number)
	}
	m.clock++
	m.put(&version{Clock: m.clock, Number: m.next, Now: r})
	m.fresh[r.ID] = struct{}{}
}

// replace puts r in the place of what was remembered of the same situation, which must be there and be alike.
func (m *memory) replace(r *remembered) {
	m.touch(r.ID)
	number := m.byID[r.ID]
	m.clock++
	m.items[number] = &version{Clock: m.clock, Number: number, Now: r}
	m.fresh[r.ID] = struct{}{}
}

// touch notes what a situation was at the last snapshot, before it changes for the first time since.
func (m *memory) touch(id string) {
	if _, isKnown := m.base[id]; isKnown {
		return
	}
	var was *version
	if number, ok := m.byID[id]; ok {
		was = m.items[number]
	}
	m.base[id] = was
}

// put adds a version with a number higher than all others.
func (m *memory) put(v *version) {
	for len(m.items) >= m.limit {
		m.drop(m.first())
	}
	m.items[v.Number], m.byID[v.Now.ID] = v, v.Number
	m.index.Add(v.Number, &v.Now.Description)
	m.next = v.Number + 1
}

// recall returns at most limit situations similar to r, the most similar first, without r itself.
func (m *memory) recall(r *remembered, limit int) []recalled {
	var found []recalled
	for _, hit := range m.index.Nearest(&r.Description, limit+1) {
		if item := m.items[hit.number].Now; item.ID != r.ID && len(found) < limit {
			found = append(found, recalled{item, hit.similarity})
		}
	}
	return found
}

// all returns everything remembered, the oldest first.
func (m *memory) all() []*version {
	items := make([]*version, 0, len(m.items))
	for _, number := range slices.Sorted(maps.Keys(m.items)) {
		items = append(items, m.items[number])
	}
	return items
}

// untold returns what no item tells yet, the oldest first.
func (m *memory) untold() []*version {
	list := make([]*version, 0, len(m.fresh))
	for id := range m.fresh {
		list = append(list, m.items[m.byID[id]])
	}
	slices.SortFunc(list, func(a, b *version) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// first returns the lowest number in use; there must be one.
func (m *memory) first() uint64 {
	for {
		if _, ok := m.items[m.oldest]; ok {
			return m.oldest
		}
		m.oldest++
	}
}

// drop forgets a situation for good. Of one that came since the last snapshot nothing is left.
func (m *memory) drop(number uint64) {
	id := m.items[number].Now.ID
	m.touch(id)
	m.forget(number)
	delete(m.fresh, id)
	if m.base[id] == nil {
		delete(m.base, id)
	}
}

func (m *memory) forget(number uint64) {
	delete(m.byID, m.items[number].Now.ID)
	delete(m.items, number)
	m.index.Remove(number)
}

// compareVersions orders versions by number, those of one number by when they became so.
func compareVersions(a, b *version) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Now.ID, b.Now.ID))
}
