package strategic

import "time"

// How a window is divided: windowParts buckets, none shorter than minBucket. Of 30 days that
// is one hour each, the resolution of the fastest burn-rate alert in Google's SRE workbook.
const (
	windowParts = 720
	minBucket   = time.Minute
)

// count is how many verdicts counted, and how many of these were good.
type count struct {
	Good  uint64 `json:"good"`
	Total uint64 `json:"total"`
}

// window counts over a rolling window of event time in a fixed number of buckets: the newest
// bucket and those before it, so between one bucket less and all of the nominal window. A
// bucket's number is its start divided by width.
type window struct {
	width   int64 // of a bucket, milliseconds
	buckets []count
	head    int64 // number of the newest bucket; 0 while empty
	empty   bool  // no time was seen
	sum     count // of all buckets
	late    uint64
}

// newWindow returns an empty window of the length, which must be at least minWindow.
func newWindow(length time.Duration) *window {
	n := min(windowParts, length/minBucket)
	return &window{width: (length / n).Milliseconds(), buckets: make([]count, n), empty: true}
}

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

// advance moves the window forward to the time, never back.
func (w *window) advance(ms int64) {
	to := w.number(ms)
	if w.empty {
		w.head, w.empty = to, false
		return
	}
	if to <= w.head {
		return
	}
	if to-w.head >= int64(len(w.buckets)) {
		clear(w.buckets)
		w.sum = count{}
	} else {
		for number := w.head + 1; number <= to; number++ {
			leaving := w.at(number)
			w.sum.Good -= leaving.Good
			w.sum.Total -= leaving.Total
			*leaving = count{}
		}
	}
	w.head = to
}

// add counts one verdict of the time; one that is older than the window is late. The window
// must have advanced to the time or beyond.
func (w *window) add(ms int64, good bool) {
	number := w.number(ms)
	if number <= w.head-int64(len(w.buckets)) {
		w.late++
		return
	}
	bucket := w.at(number)
	bucket.Total++
	w.sum.Total++
	if good {
		bucket.Good++
		w.sum.Good++
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
