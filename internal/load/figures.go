package load

import (
	"maps"
	"time"
)

// Figures sum up operations. Latencies are those of operations that succeeded, of those
// that failed since their time ran out, and of those that an interruption has cut off; the
// last two took at least so long. They are exact to three digits.
type Figures struct {
	Count      uint64 // operations that succeeded or failed
	Errors     uint64 // of these
	Unfinished uint64 // cut off by an interruption; not in Count
	Kinds      map[Kind]uint64

	Mean, P50, P90, P99, P999, Max time.Duration
	Buckets                        []Bucket // from the lowest to the highest that holds any
}

// Bucket counts the latencies up to a bound and above the one before.
type Bucket struct {
	Within time.Duration
	Count  uint64
}

// ErrorRate is the share of operations that failed, 0..1.
func (f *Figures) ErrorRate() float64 {
	if f.Count == 0 {
		return 0
	}
	return float64(f.Errors) / float64(f.Count)
}

func (s *series) figures() Figures {
	quantile := func(percent float64) time.Duration {
		return time.Duration(s.latencies.ValueAtQuantile(percent)) * latencyUnit
	}
	return Figures{
		Count: s.count, Errors: s.errors(), Unfinished: s.open, Kinds: maps.Clone(s.kinds),
		Mean: time.Duration(s.latencies.Mean() * float64(latencyUnit)),
		P50:  quantile(50), P90: quantile(90), P99: quantile(99), P999: quantile(99.9),
		Max: time.Duration(s.latencies.Max()) * latencyUnit, Buckets: s.buckets(),
	}
}

// bounds are those of buckets: 1, 2, 5, 10 and so on, from 100 µs to an hour.
func bounds() []time.Duration {
	var list []time.Duration
	for decade := 100 * time.Microsecond; decade < latencyMax; decade *= 10 {
		for _, step := range []time.Duration{1, 2, 5} {
			list = append(list, min(step*decade, latencyMax))
		}
	}
	return list
}

func (s *series) buckets() []Bucket {
	limits := bounds()
	counts := make([]uint64, len(limits))
	at, first, last := 0, len(limits), -1
	for _, bar := range s.latencies.Distribution() {
		for at < len(limits)-1 && time.Duration(bar.From)*latencyUnit > limits[at] {
			at++
		}
		if counts[at] += uint64(bar.Count); counts[at] > 0 {
			first, last = min(first, at), max(last, at)
		}
	}
	var list []Bucket
	for i := first; i <= last; i++ {
		list = append(list, Bucket{limits[i], counts[i]})
	}
	return list
}
