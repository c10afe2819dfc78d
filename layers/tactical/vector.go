package tactical

import (
	"math"

	"github.com/2lab-ai/hal9/layers/tactical/nearest"
)

// vectorOf returns the vector of features: each adds the root of its weight, with a sign, to one dimension, both by its hash
// (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009). So the product of two vectors is about the share of
// the weight that the two have in common, and a product of c stands for a similarity of about c/(2-c).
func vectorOf(all []feature) *nearest.Vector {
	var v nearest.Vector
	for _, f := range all {
		h := f.id * 0x9e3779b97f4a7c15 // The low bits of FNV-1a depend on few letters.
		value := float32(math.Sqrt(float64(f.weight)))
		if h>>63 == 1 {
			value = -value
		}
		v[h>>32%nearest.Dimensions] += value
	}
	if !v.Normalise() {
		v = nearest.Vector{1} // All features cancel each other out.
	}
	return &v
}
