package operational

import (
	"math"
	"math/rand/v2"
	"testing"
)

// clean are series in which nothing happens, of many kinds: each returns its next value.
func clean(r *rand.Rand) map[string]func(i int) float64 {
	walked, lasting, left := 0.0, 0.0, 0
	return map[string]func(i int) float64{
		"gaussian":         func(int) float64 { return r.NormFloat64() },
		"gaussian, tiny":   func(int) float64 { return 1e-6 * (5 + r.NormFloat64()) },
		"gaussian, huge":   func(int) float64 { return 1e12 * (5 + r.NormFloat64()) },
		"uniform":          func(int) float64 { return r.Float64() },
		"exponential":      func(int) float64 { return r.ExpFloat64() },
		"log-normal":       func(int) float64 { return math.Exp(r.NormFloat64()) },
		"Pareto 2":         func(int) float64 { return 1 / math.Sqrt(1-r.Float64()) },
		"Student 3":        func(int) float64 { return r.NormFloat64() / math.Sqrt((square(r)+square(r)+square(r))/3) },
		"counts about 3":   func(int) float64 { return poisson(r, 3) },
		"counts about 40":  func(int) float64 { return poisson(r, 40) },
		"rare counts":      func(int) float64 { return poisson(r, 0.1) },
		"whole numbers":    func(int) float64 { return math.Round(20 + 2*r.NormFloat64()) },
		"daily wave":       func(i int) float64 { return 100 + 50*math.Sin(float64(i)/288*2*math.Pi) + 5*r.NormFloat64() },
		"random walk":      func(int) float64 { walked += r.NormFloat64(); return walked },
		"follows the last": func(int) float64 { lasting = 0.9*lasting + r.NormFloat64(); return lasting },
		"bursts of five": func(int) float64 {
			if left == 0 && r.Float64() < 0.01 {
				left = 5
			}
			if left == 0 {
				return 10 + r.NormFloat64()
			}
			left--
			return 50 + 5*r.NormFloat64()
		},
	}
}

func square(r *rand.Rand) float64 { x := r.NormFloat64(); return x * x }

// poisson draws a count (Knuth).
func poisson(r *rand.Rand, mean float64) float64 {
	k := -1.0
	for p := 1.0; p > math.Exp(-mean); k++ {
		p *= r.Float64()
	}
	return k
}

// TestAnomalyMeansTheSameForEverySeries compares how often an anomaly of 0.5, which claims one in a thousand, comes in series in which nothing
// happens. It is the largest of what five detectors say, and each learns one tail: series whose tails are heavier than exponential, or that
// have bursts, are at the bad end.
func TestAnomalyMeansTheSameForEverySeries(t *testing.T) {
	const keys, learn, judged = 20, 2000, 10_000
	for name := range clean(rand.New(rand.NewPCG(0, 0))) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hundredth, thousandth float64
			for key := range keys {
				next := clean(rand.New(rand.NewPCG(uint64(key), 7)))[name]
				b := &baseline{}
				for i := range learn + judged {
					f := b.observe(next(i), fiveMinutes(i), true, surpriseOf(DefaultConfig().Threshold))
					if i < learn {
						continue
					}
					if anomalyOf(f.surprise) >= 0.4 {
						hundredth++
					}
					if anomalyOf(f.surprise) >= 0.5 {
						thousandth++
					}
				}
			}
			const all = keys * judged
			t.Logf("%s: 0.4 comes once in %.0f samples, 0.5 once in %.0f", name, all/hundredth, all/thousandth)
			if share := thousandth / all; share > 0.01 || share < 0.0002 {
				t.Errorf("an anomaly of 0.5 comes once in %.0f samples, want 100 to 5,000", 1/share)
			}
		})
	}
}
