//go:build !amd64

package nearest

// Dot returns the product of two vectors.
func Dot(a, b *Vector) float32 { return dot(a, b) }

// dotCode returns the product of a query's numbers and a code's.
func dotCode(q *wide, c *code) int32 { return q.dot(c) }
