package nearest

import "math"

// Dimensions is the length of a vector.
const Dimensions = 128

// Vector is what the index compares: by the cosine of the angle between two, which for vectors of length 1 is their product.
type Vector [Dimensions]float32

// Normalise brings the vector to length 1. It reports false where it has no direction.
func (v *Vector) Normalise() bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return false
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
	return true
}

// dot returns the product of two vectors, in eight independent sums, so that the processor need not wait for the last
// addition. The conversions forbid fused operations: the result is the same on every processor.
func dot(a, b *Vector) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for i := 0; i < Dimensions; i += 8 {
		x, y := (*[8]float32)(a[i:]), (*[8]float32)(b[i:])
		s0 += float32(x[0] * y[0])
		s1 += float32(x[1] * y[1])
		s2 += float32(x[2] * y[2])
		s3 += float32(x[3] * y[3])
		s4 += float32(x[4] * y[4])
		s5 += float32(x[5] * y[5])
		s6 += float32(x[6] * y[6])
		s7 += float32(x[7] * y[7])
	}
	return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
}
