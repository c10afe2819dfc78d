package tactical

import "math/bits"

// query is what the index is asked for.
type query struct {
	features []feature
	weight   uint32
	outline  uint64     // as entry.outline
	byBit    [64]uint32 // weight of the features behind each bit of the outline
}

func newQuery(d *description) *query {
	q := &query{features: features(d)}
	q.weight = weigh(q.features)
	for _, f := range q.features {
		q.outline |= 1 << (f.id % 64)
		q.byBit[f.id%64] += f.weight
	}
	return q
}

// canReach reports whether e may have the similarity bar, by a bound that costs less than
// the similarity: what has no bit in e's outline is not in e.
func (q *query) canReach(bar float64, e *entry) bool {
	common := q.weight
	for missing := q.outline &^ e.outline; missing != 0; missing &= missing - 1 {
		common -= q.byBit[bits.TrailingZeros64(missing)]
	}
	// common / (both weights - common) >= bar, solved for common; half a unit outweighs rounding.
	return float64(common)+0.5 >= bar*float64(q.weight+e.weight)/(1+bar)
}
