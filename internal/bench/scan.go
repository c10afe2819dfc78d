package bench

// near is a vector that was found.
type near struct {
	number int
	dot    float32 // cosine similarity: all vectors have length 1
}

// scan compares the query with every vector and returns the k most similar, the most similar first.
func scan(v vectors, query []float32, k int) []near {
	best := make([]near, 0, k+1)
	for i := range v.len() {
		d := dot(v.at(i), query)
		if len(best) == k && d <= best[k-1].dot {
			continue
		}
		at := len(best)
		for at > 0 && best[at-1].dot < d {
			at--
		}
		best = append(best, near{})
		copy(best[at+1:], best[at:])
		best[at] = near{i, d}
		best = best[:min(len(best), k)]
	}
	return best
}

// dot returns the dot product, in eight independent sums, so that the processor need not wait for the
// last addition.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := a[:8:8], b[:8:8]
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		s4 += x[4] * y[4]
		s5 += x[5] * y[5]
		s6 += x[6] * y[6]
		s7 += x[7] * y[7]
		a, b = a[8:], b[8:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
}
