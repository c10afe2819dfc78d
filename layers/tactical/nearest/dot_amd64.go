package nearest

// Dot returns the product of two vectors: bit by bit what dot returns.
//
//go:noescape
func Dot(a, b *Vector) float32

// dotCode returns the product of a query's numbers and a code's.
//
//go:noescape
func dotCode(q *wide, c *code) int32
