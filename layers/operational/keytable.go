package operational

import "strings"

// keyTable holds the keys in the order of their use and forgets the least recently used ones
// when there are too many series.
type keyTable struct {
	max    int
	count  int // series of all keys
	recent int // samples of theirs that are not learnt for good
	byID   map[keyID]*keyState
	oldest *keyState
	newest *keyState
	forget func(*keyState) // is told of each key that is forgotten
}

func newKeyTable(limit int, forget func(*keyState)) *keyTable {
	return &keyTable{max: limit, byID: map[keyID]*keyState{}, forget: forget}
}

// get returns the key's state, a new one where the key is not known.
func (t *keyTable) get(id keyID) *keyState {
	if k, ok := t.byID[id]; ok {
		if k != t.newest {
			t.unlink(k)
			t.link(k)
		}
		return k
	}
	// Ids are often parts of larger texts, which should not be kept alive with them.
	k := &keyState{id: keyID{strings.Clone(id.source), strings.Clone(id.key)}}
	t.insert(k)
	return k
}

// insert adds a key that is not in the table, as the newest.
func (t *keyTable) insert(k *keyState) {
	t.byID[k.id] = k
	t.count += len(k.series)
	t.recent += k.recent()
	t.link(k)
}

// series returns a series of k, a new one where there is none. The pointer is valid until the
// next call.
func (t *keyTable) series(k *keyState, id seriesID) *series {
	if s := k.find(id); s != nil {
		return s
	}
	if len(k.series) == keySeriesMax {
		t.recent -= k.series[0].recent()
	}
	t.count += k.add(newSeries(seriesID{id.kind, strings.Clone(id.name), strings.Clone(id.detail)}))
	return &k.series[len(k.series)-1]
}

// trim forgets the least recently used keys until the bound is kept: at most max series, and
// at most max keys. The newest key stays.
func (t *keyTable) trim() {
	for (t.count > t.max || len(t.byID) > t.max) && t.oldest != t.newest {
		k := t.oldest
		t.unlink(k)
		delete(t.byID, k.id)
		t.count -= len(k.series)
		t.recent -= k.recent()
		t.forget(k)
	}
}

func (t *keyTable) link(k *keyState) {
	k.older, k.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = k
	} else {
		t.oldest = k
	}
	t.newest = k
}

func (t *keyTable) unlink(k *keyState) {
	if k.older != nil {
		k.older.newer = k.newer
	} else {
		t.oldest = k.newer
	}
	if k.newer != nil {
		k.newer.older = k.older
	} else {
		t.newest = k.older
	}
	k.older, k.newer = nil, nil
}

// recentMax is how many samples of one series need not be learnt for good yet.
func (t *keyTable) recentMax() int {
	if t.recent > recentsInAll {
		return recentFew
	}
	return recentMax
}
