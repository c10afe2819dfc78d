package nearest

import "math"

// finest is the largest number in a code.
const finest = 127

// code is a vector in a quarter of its bytes, each number in steps of the largest one's 127th part: enough to find the way by, and so small that four
// times as many come from memory in the same time. What is found is compared by the vectors themselves.
type code [Dimensions]int8

// wide is a code to compare others with.
type wide [Dimensions]int16

// encode returns a vector's code and the size of its steps.
func (v *Vector) encode() (c code, step float32) {
	var most float32
	for _, x := range v {
		most = max(most, x, -x)
	}
	if !(most > 0) || math.IsInf(float64(most), 0) {
		return code{}, 0
	}
	for i, x := range v {
		c[i] = int8(math.RoundToEven(float64(x / most * finest)))
	}
	return c, most / finest
}

// widen returns what codes are compared with.
func (c *code) widen() (q wide) {
	for i, n := range c {
		q[i] = int16(n)
	}
	return q
}

func (q *wide) dot(c *code) int32 {
	var s0, s1, s2, s3 int32
	for i := 0; i < Dimensions; i += 4 {
		x, y := (*[4]int16)(q[i:]), (*[4]int8)(c[i:])
		s0 += int32(x[0]) * int32(y[0])
		s1 += int32(x[1]) * int32(y[1])
		s2 += int32(x[2]) * int32(y[2])
		s3 += int32(x[3]) * int32(y[3])
	}
	return s0 + s1 + s2 + s3
}
