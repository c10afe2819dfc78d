package implementation

// recency is a ring of entries in the order of their use.
type recency[T any] struct{ root entry[T] }

// entry is a place in a recency; it lies in the value itself.
type entry[T any] struct {
	previous, next *entry[T]
	value          T
}

// touch makes e the newest, whether it is in the ring or not.
func (r *recency[T]) touch(e *entry[T]) {
	r.remove(e)
	if r.root.next == nil {
		r.root.previous, r.root.next = &r.root, &r.root
	}
	newest := r.root.previous
	e.previous, e.next = newest, &r.root
	newest.next, r.root.previous = e, e
}

func (r *recency[T]) remove(e *entry[T]) {
	if e.next == nil {
		return
	}
	e.previous.next, e.next.previous = e.next, e.previous
	e.previous, e.next = nil, nil
}

// oldest is what was not used for longest. The ring must not be empty.
func (r *recency[T]) oldest() T { return r.root.next.value }
