package operational

import "strings"

// waiter is a place in the queue of what will be too silent.
type waiter struct {
	due    int64 // count of the whole
	place  int   // in the queue, from 1 on; 0 where it does not stand there
	key    *keyState
	source *sourceState
}

func (w *waiter) name() string {
	if w.key != nil {
		return w.key.id.key
	}
	return w.source.name
}

// queue is a heap of waiters (container/heap), the earliest first, equals by name.
type queue []*waiter

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(a, b int) bool {
	if q[a].due != q[b].due {
		return q[a].due < q[b].due
	}
	return strings.Compare(q[a].name(), q[b].name()) < 0
}

// Swap implements heap.Interface.
func (q queue) Swap(a, b int) {
	q[a], q[b] = q[b], q[a]
	q[a].place, q[b].place = a+1, b+1
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	w := x.(*waiter)
	*q = append(*q, w)
	w.place = len(*q)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	w.place = 0
	return w
}
