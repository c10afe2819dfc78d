package reflexive

// recent remembers a bounded number of values and forgets the oldest first. A value is as old
// as its last put or touch, so that without touch it is a queue and with it a cache that
// forgets what was used least recently.
type recent[V any] struct {
	limit   int
	dropped func(key digest, value *V) // hears of what is forgotten; may be nil
	index   map[digest]int32
	slots   []slot[V] // slot 0 is the ring's head: its next is the oldest, its previous the newest
}

type slot[V any] struct {
	previous, next int32
	key            digest
	value          V
}

func newRecent[V any](limit int) *recent[V] {
	return &recent[V]{limit: limit, index: map[digest]int32{}, slots: make([]slot[V], 1)}
}

// get returns nil where nothing is remembered. The pointer is good until the next put.
func (r *recent[V]) get(key digest) *V {
	if at, ok := r.index[key]; ok {
		return &r.slots[at].value
	}
	return nil
}

// put remembers value as the newest.
func (r *recent[V]) put(key digest, value V) *V {
	at, known := r.index[key]
	switch {
	case known:
		r.unlink(at)
	case len(r.slots) <= r.limit:
		at = int32(len(r.slots)) // The limit is far below 2^31.
		r.slots = append(r.slots, slot[V]{})
		r.index[key] = at
	default:
		at = r.slots[0].next
		if r.dropped != nil {
			r.dropped(r.slots[at].key, &r.slots[at].value)
		}
		r.unlink(at)
		delete(r.index, r.slots[at].key)
		r.index[key] = at
	}
	r.slots[at].key, r.slots[at].value = key, value
	r.link(at)
	return &r.slots[at].value
}

// touch makes what is remembered under key the newest.
func (r *recent[V]) touch(key digest) {
	if at, ok := r.index[key]; ok {
		r.unlink(at)
		r.link(at)
	}
}

func (r *recent[V]) unlink(at int32) {
	s := &r.slots[at]
	r.slots[s.previous].next, r.slots[s.next].previous = s.next, s.previous
}

func (r *recent[V]) link(at int32) {
	newest := r.slots[0].previous
	r.slots[at].previous, r.slots[at].next = newest, 0
	r.slots[newest].next, r.slots[0].previous = at, at
}
