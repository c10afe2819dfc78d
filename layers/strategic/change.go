package strategic

import (
	"math"
	"slices"
)

// Bounds of change points.
const (
	minStretch   = 3   // days between change points
	outlierBound = 3.0 // a day counts no more than one that is so many deviations off
	changeCost   = 4.0 // times ln(n): what one more change point must save
)

// changePoints returns where a series of daily values changes its level, as the index of the first value of each new
// level. It minimises the cost of all stretches plus a penalty for each change, exactly (optimal partitioning; Killick,
// Fearnhead & Eckley, "Optimal Detection of Changepoints With a Linear Computational Cost", JASA 107, 2012, of which a series of two months
// needs no pruning), with the bounded loss of Fearnhead & Rigaill, "Changepoint Detection in the Presence of Outliers", JASA
// 114, 2019: single days that are far off are no change. noise is the least deviation that is taken for one.
func changePoints(values []float64, noise float64) []int {
	n := len(values)
	if n < 2*minStretch {
		return nil
	}
	sigma := max(deviation(values), noise)
	if sigma == 0 {
		sigma = math.SmallestNonzeroFloat32
	}
	penalty := changeCost * math.Log(float64(n))
	best := make([]float64, n+1) // of the first so many values
	from := make([]int, n+1)     // where their last stretch begins
	best[0] = -penalty
	sorted := make([]float64, 0, n)
	for end := minStretch; end <= n; end++ {
		best[end] = math.Inf(1)
		sorted = sorted[:0]
		for begin := end - 1; begin >= 0; begin-- {
			at, _ := slices.BinarySearch(sorted, values[begin])
			sorted = slices.Insert(sorted, at, values[begin])
			if end-begin < minStretch || begin > 0 && begin < minStretch {
				continue
			}
			if cost := best[begin] + stretchCost(sorted, sigma) + penalty; cost < best[end] {
				best[end], from[end] = cost, begin
			}
		}
	}
	var points []int
	for end := n; from[end] > 0; end = from[end] {
		points = append(points, from[end])
	}
	slices.Reverse(points)
	return points
}

// stretchCost is the bounded squared distance of sorted values from their median, in deviations.
func stretchCost(sorted []float64, sigma float64) (cost float64) {
	middle := median(sorted)
	for _, v := range sorted {
		d := (v - middle) / sigma
		cost += min(d*d, outlierBound*outlierBound)
	}
	return cost
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return sorted[n/2-1]/2 + sorted[n/2]/2
}

// deviation is the robust standard deviation of a series around its level, whatever its level does: of the
// differences between neighbours.
func deviation(values []float64) float64 {
	steps := make([]float64, 0, len(values))
	for i := range values[1:] {
		steps = append(steps, math.Abs(values[i+1]-values[i]))
	}
	slices.Sort(steps)
	return median(steps) * 1.4826 / math.Sqrt2
}
