package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// What histograms tell apart: 1 µs to 1 h, three digits.
const (
	latencyUnit   = time.Microsecond
	latencyMax    = time.Hour
	latencyDigits = 3
)

// series is what is known of one kind of operation.
type series struct {
	latencies *hdrhistogram.Histogram
	count     uint64
	open      uint64 // unfinished when the run was interrupted
	kinds     map[Kind]uint64
}

func newSeries() *series {
	return &series{
		latencies: hdrhistogram.New(1, int64(latencyMax/latencyUnit), latencyDigits),
		kinds:     make(map[Kind]uint64),
	}
}

func (s *series) record(latency time.Duration, kind Kind) {
	s.count++
	if kind != "" {
		s.kinds[kind]++
	}
	if kind == "" || kind.slow() {
		s.measure(latency)
	}
}

func (s *series) measure(latency time.Duration) {
	// It can't fail within the histogram's bounds.
	_ = s.latencies.RecordValue(int64(min(max(latency, latencyUnit), latencyMax) / latencyUnit))
}

func (s *series) errors() (sum uint64) {
	for _, n := range s.kinds {
		sum += n
	}
	return sum
}

// add adds another series to this one.
func (s *series) add(other *series) {
	s.latencies.Merge(other.latencies)
	s.count += other.count
	s.open += other.open
	for kind, n := range other.kinds {
		s.kinds[kind] += n
	}
}

// recorder keeps what has happened. Its size does not depend on how much that is.
type recorder struct {
	mu       sync.Mutex
	each     map[Operation]*series
	since    *series // of all operations since the last call of recent
	lag      *series // how late this process began operations of users who were free
	examples map[Kind]string
}

func newRecorder() *recorder {
	r := &recorder{each: make(map[Operation]*series), since: newSeries(), lag: newSeries(), examples: make(map[Kind]string)}
	for _, operation := range Operations() {
		r.each[operation] = newSeries()
	}
	return r
}

// began records how late an operation began whose user was free.
func (r *recorder) began(late time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lag.record(late, "")
}

// ended records an operation that succeeded or failed.
func (r *recorder) ended(operation Operation, latency time.Duration, err error) {
	kind := KindOf(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.each[operation].record(latency, kind)
	r.since.record(latency, kind)
	if _, known := r.examples[kind]; err != nil && !known {
		r.examples[kind] = err.Error()
	}
}

// unfinished records an operation that an interruption has cut off, or kept from beginning: it took at
// least so long.
func (r *recorder) unfinished(operation Operation, latency time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.each[operation]
	s.open++
	s.measure(latency)
}

// recent returns the figures of all operations since it was called last, and how many have
// failed since the beginning.
func (r *recorder) recent() (recent Figures, errors uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent = r.since.figures()
	r.since = newSeries()
	for _, s := range r.each {
		errors += s.errors()
	}
	return recent, errors
}
