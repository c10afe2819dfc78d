package operational

import (
	"math"
	"slices"
)

const (
	levelLow  = 0.02 // quantiles between which a value is usual
	levelHigh = 0.98
)

// level knows where the values of a series usually lie, and notices the one that lies far
// outside.
type level struct {
	median, low, high quantile
	deviation         mean // mean distance from the median
	tail              tail // of the distance from the median
}

func (l *level) seed(first []float64) {
	sorted := slices.Sorted(slices.Values(first))
	n := float64(len(sorted))
	l.median = quantile{pick(sorted, 0.5), n}
	l.low, l.high = quantile{pick(sorted, levelLow), n}, quantile{pick(sorted, levelHigh), n}
	distances := make([]float64, len(first))
	for i, value := range first {
		distances[i] = math.Abs(value - l.median.value)
		l.deviation.learn(distances[i], baselineSpan)
	}
	l.tail.seed(distances)
}

func (l *level) observe(s sample) float64 {
	distance, floor := math.Abs(s.value-l.median.value), s.grain(l.median.value, 1)
	surprise := l.tail.surprise(distance, floor)
	l.tail.learn(distance, floor)
	l.deviation.learn(min(distance, l.reach()), baselineSpan)
	scale := max(l.deviation.value, floor/10)
	l.median.learn(s.value, 0.5, scale)
	l.low.learn(s.value, levelLow, scale)
	l.high.learn(s.value, levelHigh, scale)
	return surprise
}

// reach is the distance from the median beyond which it does not matter any more how far away
// a value lies.
func (l *level) reach() float64 {
	return tailClip * max(l.deviation.value, l.tail.bar.value, grain(l.median.value))
}

// tame brings a value within so many reaches of the median.
func (l *level) tame(value, reaches float64) float64 {
	most := reaches * l.reach()
	return min(max(value, l.median.value-most), l.median.value+most)
}

func (l *level) explain(s sample) string {
	how := "unusually far from"
	switch {
	case s.value > l.high.value:
		how = "far above"
	case s.value < l.low.value:
		how = "far below"
	}
	return number(s.value) + " is " + how + " " + l.usual(s)
}

// ordinary is explain for a value that surprises nobody.
func (l *level) ordinary(s sample) string {
	how := "within"
	if s.value > l.high.value || s.value < l.low.value {
		how = "near"
	}
	return number(s.value) + " is " + how + " " + l.usual(s)
}

// usual says where the values lie, such as "its usual 38..47 (median 41, 120 samples)".
func (l *level) usual(s sample) string {
	return "its usual " + between(l.low.value, l.high.value) +
		" (median " + number(l.median.value) + ", " + number(s.samples) + " samples)"
}

func (l *level) fields(visit func(*float64)) {
	l.median.fields(visit)
	l.low.fields(visit)
	l.high.fields(visit)
	l.deviation.fields(visit)
	l.tail.fields(visit)
}
