package tactical

import "math/bits"

// query is what the index is asked for.
type query struct {
	features []feature
	plain    []feature // but for the names
	names    []feature
	weight   uint32
	outline  uint64     // as entry.outline
	byBit    [64]uint32 // weight of the features behind each bit of the outline
}

func newQuery(d *description) *query {
	q := &query{features: features(d)}
	q.plain, q.names = split(q.features, d)
	q.weight = weigh(q.features)
	for _, f := range q.plain {
		q.outline |= 1 << (f.id % 64)
		q.byBit[f.id%64] += f.weight
	}
	return q
}

// canReach reports whether s may have the similarity bar where it shares names of a weight, by a bound that costs less than
// the similarity: what has no bit in its outline is not in it.
func (q *query) canReach(bar float64, s *shape, names uint32) bool {
	common := names
	for shared := q.outline & s.outline; shared != 0; shared &= shared - 1 {
		common += q.byBit[bits.TrailingZeros64(shared)]
	}
	// common / (both weights - common) >= bar, solved for common; half a unit outweighs rounding.
	return float64(common)+0.5 >= bar*float64(q.weight+s.weight)/(1+bar)
}
