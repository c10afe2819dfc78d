package operational

import "math"

// detector watches one aspect of one numeric series and sees its past only. All of its state
// is a fixed number of floats, which keeps a series small and its snapshot simple. A new aspect
// is a new file with a new detector, listed in baseline.detectors.
type detector interface {
	// observe returns how surprising the sample is against what came before it, as -log10 of
	// its probability (3 is one in a thousand), and learns the sample afterwards.
	observe(s sample) float64
	// explain completes a sentence that begins with what the series measures.
	explain(s sample) string
}

// sample is one value of a series.
type sample struct {
	value   float64
	tame    float64 // value, brought within reach of what is usual: one absurd value is no new level
	samples float64 // how many the series has seen, this one included
	counts  bool    // see baseline
	inOrder bool    // not older than the newest sample before it
	hour    float64 // mean of the series at this hour of the day, on earlier days
	hasHour bool    // whether there is one
}

// countGrain is by how many of its standard deviations a count of independent events exceeds its 98th percentile on average, where it does.
const countGrain = 0.4

// grain is the smallest difference from what is usual that counts, in the mean of so many samples: of half a one where two are compared.
func (s sample) grain(usual, samples float64) float64 {
	if !s.counts {
		return grain(usual)
	}
	return max(grain(usual), countGrain*math.Sqrt(max(1, usual)/samples))
}
