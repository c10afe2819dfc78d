package bench

import (
	"cmp"
	"fmt"
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

// String returns the distribution for people.
func (l latency) String() string {
	return fmt.Sprintf("p50 %s ms, p99 %s ms", number(new(milliseconds(l.p50))), number(new(milliseconds(l.p99))))
}

// medianLatency returns the median of each percentile over the rounds.
func medianLatency(rounds []latency) latency {
	var middles, tails []float64
	for _, round := range rounds {
		middles, tails = append(middles, float64(round.p50)), append(tails, float64(round.p99))
	}
	return latency{time.Duration(median(middles)), time.Duration(median(tails))}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
