package bench

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// median returns the middle of the values, the mean of the two middle ones where their number is even,
// and NaN for none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile returns the smallest value that at least the share p (0..1) of the values does not
// exceed (nearest rank). The values must be sorted and not empty.
func percentile[V cmp.Ordered](sorted []V, p float64) V {
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// latency is the distribution of one round.
type latency struct{ p50, p99 time.Duration }

// latencyOf sorts the samples and returns their distribution.
func latencyOf(samples []time.Duration) latency {
	slices.Sort(samples)
	return latency{percentile(samples, .50), percentile(samples, .99)}
}

// latencies collects the rounds of one contender.
type latencies []latency

// in returns the medians over the rounds in a unit.
func (l latencies) in(unit time.Duration) (p50, p99 float64) {
	var middles, tails []float64
	for _, round := range l {
		middles = append(middles, float64(round.p50)/float64(unit))
		tails = append(tails, float64(round.p99)/float64(unit))
	}
	return median(middles), median(tails)
}
