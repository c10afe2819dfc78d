package bench

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{-1, 1}, 0},
	} {
		before := slices.Clone(test.values)
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v: want %v", test.values, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("median reordered %v to %v", before, test.values)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v: want NaN", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, test := range []struct {
		sorted []int
		p      float64
		want   int
	}{
		{hundred, .50, 50},
		{hundred, .99, 99},
		{hundred, 1, 100},
		{hundred, 0, 1},
		{[]int{3}, .99, 3},
		{[]int{1, 2}, .50, 1},
		{[]int{1, 2}, .51, 2},
		{[]int{1, 2, 3, 4}, .99, 4},
	} {
		if got := percentile(test.sorted, test.p); got != test.want {
			t.Errorf("percentile(%v of %d values) = %v: want %v", test.p, len(test.sorted), got, test.want)
		}
	}
}

func TestLatency(t *testing.T) {
	samples := make([]time.Duration, 200)
	for i := range samples {
		samples[i] = time.Duration(200-i) * time.Microsecond
	}
	got := latencyOf(samples)
	if want := (latency{100 * time.Microsecond, 198 * time.Microsecond}); got != want {
		t.Errorf("got %v: want %v", got, want)
	}
	rounds := []latency{{1, 30}, {5, 10}, {3, 20}}
	if got, want := medianLatency(rounds), (latency{3, 20}); got != want {
		t.Errorf("the median round is %v: want %v, each figure for itself", got, want)
	}
}
