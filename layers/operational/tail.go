package operational

import (
	"math"
	"slices"
)

const (
	tailLevel = 0.98 // the quantile beyond which the tail is modelled
	tailClip  = 10   // one sample counts as at most this many typical distances
	tailDoubt = 5    // a tail of n samples is worth n/5 of its excesses, at most 200
	tailSpan  = 50   // excesses that the tail remembers, exponentially weighted: of some 2,500 samples
)

// tail learns the upper tail of a non-negative statistic and says how probable a value is. It
// is peaks-over-threshold with an exponential tail (Siffer et al., "Anomaly Detection in
// Streams with Extreme Value Theory", KDD 2017), so that heavy-tailed series earn themselves a
// higher bar and the surprise means the same for every series.
type tail struct {
	bar    quantile // tailLevel of the statistic
	scale  mean     // typical distance from the bar
	excess mean     // mean excess over the bar
}

// seed starts the tail with the statistic's first values, which it leaves sorted. The excess
// is a guess, on the cautious side for light tails, that the first real excesses replace.
func (t *tail) seed(first []float64) {
	slices.Sort(first)
	t.bar = quantile{value: pick(first, tailLevel), count: float64(len(first))}
	for _, x := range first {
		t.scale.learn(math.Abs(x-t.bar.value), baselineSpan)
	}
	t.excess = mean{value: t.scale.value / 3, count: 1}
}

// guess starts the tail of a distance of which only the mean is known.
func (t *tail) guess(distance float64) {
	t.bar = quantile{value: 2.5 * distance, count: baselineMinSamples}
	t.scale = mean{value: 1.5 * distance, count: baselineMinSamples}
	t.excess = mean{value: distance / 2, count: 1}
}

// The mean excess is itself an estimate: what is expected of one more excess is a Lomax distribution, whose tail is the longer the
// fewer samples it rests on, so that a young series cries less.
//
// surprise returns -log10 of the probability of a value of at least x; 0 where x is ordinary.
// floor is the smallest excess that counts as a difference at all.
func (t *tail) surprise(x, floor float64) float64 {
	if x <= t.bar.value {
		return 0
	}
	excess := max(t.excess.value, floor)
	n := t.bar.count / tailDoubt
	return min(-math.Log10(1-tailLevel)+n*math.Log1p((x-t.bar.value)/excess/n)/math.Ln10, surpriseMax)
}

// learn moves the tail by x. However far out x lies, it counts as a few typical distances at
// most, so that one absurd value does not hide the next real one.
func (t *tail) learn(x, floor float64) {
	distance := min(math.Abs(x-t.bar.value), tailClip*max(t.scale.value, floor))
	t.scale.learn(distance, baselineSpan)
	t.bar.learn(x, tailLevel, t.scale.value)
	if x > t.bar.value {
		excess := min(x-t.bar.value, tailClip*max(t.excess.value, floor))
		t.excess.learn(excess, tailSpan)
	}
}

func (t *tail) fields(visit func(*float64)) {
	t.bar.fields(visit)
	t.scale.fields(visit)
	t.excess.fields(visit)
}

// pick returns the p-quantile of what is sorted and not empty.
func pick(sorted []float64, p float64) float64 { return sorted[int(p*float64(len(sorted)-1)+0.5)] }
