package strategic

import "time"

// How a window is divided: windowParts buckets. Of 30 days that is one hour each. The short windows of alerts have buckets of
// their own, 1/43200 of the window (of 30 days: one minute), over 1/120 of it (6 hours).
const (
	windowParts = 720
	fineParts   = 43_200
	fineBuckets = fineParts / 120
)

// count is how many events counted, and how many of these were good.
type count struct {
	Good  uint64 `json:"good"`
	Total uint64 `json:"total"`
}

func (c *count) add(good bool) {
	c.Total++
	if good {
		c.Good++
	}
}

func (c *count) take(other count) {
	c.Good -= other.Good
	c.Total -= other.Total
}

// window counts over a rolling window of event time in a fixed number of buckets: the newest
// bucket and those before it, so between one bucket less and all of the nominal window. A
// bucket's number is its start divided by width. Beside the whole it keeps the sums of shorter spans.
type window struct {
	width   int64 // of a bucket, milliseconds
	buckets []count
	head    int64   // number of the newest bucket; 0 while empty
	empty   bool    // no time was seen
	spans   []int64 // in buckets, all of them first
	sums    []count // of the spans
	late    uint64
}

// newWindow returns an empty window over a whole objective's, which must be at least minWindow, with a sum over its last tenth.
func newWindow(length time.Duration) *window {
	return newBuckets(length.Milliseconds()/windowParts, windowParts, windowParts/10)
}

// newFine returns an empty window for the short windows of alerts: 6 hours of 30 days, with sums over 1 hour, 30 and 5 minutes.
func newFine(length time.Duration) *window {
	return newBuckets(length.Milliseconds()/fineParts, fineBuckets, 60, 30, 5)
}

func newBuckets(width, n int64, spans ...int64) *window {
	spans = append([]int64{n}, spans...)
	return &window{width: width, buckets: make([]count, n), empty: true, spans: spans, sums: make([]count, len(spans))}
}

// sum is that of all buckets.
func (w *window) sum() count { return w.sums[0] }

// number returns the bucket that the time (Unix milliseconds) falls into.
func (w *window) number(ms int64) int64 {
	n := ms / w.width
	if ms%w.width < 0 {
		n--
	}
	return n
}

// at returns the bucket of the number.
func (w *window) at(number int64) *count {
	n := int64(len(w.buckets))
	return &w.buckets[((number%n)+n)%n]
}

// advance moves the window forward to the time, never back, and reports whether it moved.
func (w *window) advance(ms int64) bool {
	to := w.number(ms)
	if w.empty {
		w.head, w.empty = to, false
		return true
	}
	if to <= w.head {
		return false
	}
	if to-w.head >= int64(len(w.buckets)) {
		clear(w.buckets)
		clear(w.sums)
		w.head = to
		return true
	}
	for w.head < to {
		w.head++
		for i, span := range w.spans {
			w.sums[i].take(*w.at(w.head - span))
		}
		*w.at(w.head) = count{}
	}
	return true
}

// add counts one event of the time; one that is older than the window is late. The window
// must have advanced to the time or beyond.
func (w *window) add(ms int64, good bool) {
	number := w.number(ms)
	age := w.head - number
	if age >= int64(len(w.buckets)) {
		w.late++
		return
	}
	w.at(number).add(good)
	for i, span := range w.spans {
		if age < span {
			w.sums[i].add(good)
		}
	}
}

// recent returns the count of the newest bucket and the one before it: always at least one
// whole bucket, where the newest alone would be empty at its start.
func (w *window) recent() count {
	sum := *w.at(w.head)
	before := w.at(w.head - 1)
	sum.Good += before.Good
	sum.Total += before.Total
	return sum
}

// restore puts a count into an empty bucket, as many before the newest as age.
func (w *window) restore(age int64, c count) {
	*w.at(w.head - age) = c
	for i, span := range w.spans {
		if age < span {
			w.sums[i].Good += c.Good
			w.sums[i].Total += c.Total
		}
	}
}
