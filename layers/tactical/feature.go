package tactical

import (
	"cmp"
	"slices"
)

// The share of each part of a description, in millionths; together 1,000,000. What happened
// counts most. A name counts twice as much by its class as by itself, so that siblings are
// alike: other number, same everything else is (1-0.1)/(1+0.1) = 0.82.
const (
	weightWords       = 600_000
	weightKeyClass    = 100_000
	weightKey         = 50_000
	weightEntityClass = 100_000
	weightEntity      = 50_000
	weightSeverity    = 100_000
)

// Kinds of features that are names: of the key, and of an entity.
const (
	kindKey    = 'k'
	kindEntity = 'e'
)

// feature is one thing that a situation has, with its share.
type feature struct {
	id     uint64 // hash of what it is
	weight uint32 // millionths
}

// features returns what d has, ordered by id, each once.
func features(d *description) []feature {
	all := make([]feature, 0, len(d.Words)+2*len(d.Entities)+3)
	all = spread(all, 'w', d.Words, weightWords)
	all = spread(all, 'K', []string{class(d.Key)}, weightKeyClass)
	all = spread(all, kindKey, []string{d.Key}, weightKey)
	classes := make([]string, len(d.Entities))
	for i, entity := range d.Entities {
		classes[i] = class(entity)
	}
	all = spread(all, 'E', classes, weightEntityClass)
	all = spread(all, kindEntity, d.Entities, weightEntity)
	all = spread(all, 's', []string{d.Severity.String()}, weightSeverity)
	return merge(all)
}

// spread adds tokens that share weight equally; the rest of the division goes to the first.
func spread(all []feature, kind byte, tokens []string, weight int) []feature {
	for i, token := range tokens {
		share := weight / len(tokens)
		if i < weight%len(tokens) {
			share++
		}
		all = append(all, feature{id: hash(kind, token), weight: uint32(share)})
	}
	return all
}

// merge orders the features by id and adds up those that are the same.
func merge(all []feature) []feature {
	slices.SortFunc(all, func(a, b feature) int { return cmp.Compare(a.id, b.id) })
	merged := all[:0]
	for _, f := range all {
		if last := len(merged) - 1; last >= 0 && merged[last].id == f.id {
			merged[last].weight += f.weight
			continue
		}
		merged = append(merged, f)
	}
	return merged
}

// weigh returns the sum of all weights.
func weigh(all []feature) (sum uint32) {
	for _, f := range all {
		sum += f.weight
	}
	return sum
}

// similarity is the weighted Jaccard similarity (Ruzicka): the sum of the smaller weights over
// the sum of the larger ones, 0..1. It is 1 only for equal features. Both must be ordered by
// id; aWeight and bWeight are their sums. The sums are integers, so the order of adding
// does not matter and the result is exact to one division.
func similarity(a []feature, aWeight uint32, b []feature, bWeight uint32) float64 {
	var common uint32
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].id < b[j].id:
			i++
		case a[i].id > b[j].id:
			j++
		default:
			common += min(a[i].weight, b[j].weight)
			i++
			j++
		}
	}
	union := aWeight + bWeight - common
	if union == 0 {
		return 0
	}
	return float64(common) / float64(union)
}

// hash is FNV-1a (64 bit) over kind and token.
func hash(kind byte, token string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := (uint64(offset) ^ uint64(kind)) * prime
	for i := range len(token) {
		sum = (sum ^ uint64(token[i])) * prime
	}
	return sum
}
