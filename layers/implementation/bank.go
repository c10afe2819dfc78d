package implementation

import (
	"cmp"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// Bank holds neurons and evaluates all of them at once, in two steps. The first is exact arithmetic on the hashed vector: with weights
// below 0 left out and features that share a dimension added up, it can only say too much. Those few that pass it are added up
// feature by feature.
type Bank struct {
	neurons []neuron
	columns [Features][]float32 // by dimension, the largest weight of each neuron; nil where no neuron has one
	sums    []float32           // of each neuron, for the signal at hand
	fired   []layers.Class
}

// neuron is a Neuron ready for use.
type neuron struct {
	name      string
	label     string
	weights   []weight // by hash, upwards
	threshold float64
	bar       float64 // the threshold, less what floats may lose
	flag      bool
}

// weight is that of the feature with a hash.
type weight struct {
	feature uint64
	value   float64
	name    string
}

// boundSlack covers the rounding of float32 in sums of some thousand features, which are all at least 0.
const boundSlack = 0.999

// NewBank returns a bank of valid neurons.
func NewBank(list []Neuron) *Bank {
	b := &Bank{sums: make([]float32, len(list))}
	for i, n := range list {
		own := neuron{name: n.Name, label: cmp.Or(n.Label, n.Name), threshold: n.Threshold, bar: n.Threshold * (1 - rounding), flag: n.Flag}
		for feature, value := range n.Weights {
			hash := hashBytes([]byte(feature))
			own.weights = append(own.weights, weight{hash, value, feature})
			if value <= 0 {
				continue
			}
			column := &b.columns[dimension(hash)]
			if *column == nil {
				*column = make([]float32, len(list))
			}
			(*column)[i] = max((*column)[i], float32(value))
		}
		slices.SortFunc(own.weights, func(a, b weight) int { return cmp.Compare(a.feature, b.feature) })
		b.neurons = append(b.neurons, own)
	}
	return b
}

// Fire returns the classes of the neurons that fire, the strongest first, each once. Those that flag the signal come before others
// where not all have room. The slice is good until the next call.
func (b *Bank) Fire(v *Vector) []layers.Class {
	b.fired = b.fired[:0]
	b.activate(v)
	for i, sum := range b.sums {
		n := &b.neurons[i]
		if float64(sum) < n.bar*boundSlack {
			continue
		}
		if activation := n.activation(v); activation >= n.bar {
			b.fired = append(b.fired, layers.Class{Label: n.label, Strength: activation / (activation + n.threshold), Flags: n.flag})
		}
	}
	slices.SortStableFunc(b.fired, func(a, c layers.Class) int {
		return cmp.Or(cmp.Compare(asNumber(c.Flags), asNumber(a.Flags)), cmp.Compare(c.Strength, a.Strength))
	})
	kept := b.fired[:0]
	for _, class := range b.fired {
		if len(kept) < maxClasses && !slices.ContainsFunc(kept, func(k layers.Class) bool { return k.Label == class.Label }) {
			kept = append(kept, class)
		}
	}
	slices.SortStableFunc(kept, func(a, c layers.Class) int { return cmp.Compare(c.Strength, a.Strength) })
	return kept
}

func asNumber(b bool) int {
	if b {
		return 1
	}
	return 0
}

// activate adds up the columns of the dimensions that the vector has.
func (b *Bank) activate(v *Vector) {
	clear(b.sums)
	four, scales, n := [4][]float32{}, [4]float32{}, 0
	for _, d := range v.used {
		column := b.columns[d]
		if column == nil {
			continue
		}
		four[n], scales[n] = column, v.values[d]
		if n++; n == len(four) {
			addScaled(b.sums, &four, &scales)
			n = 0
		}
	}
	if n == 0 {
		return
	}
	for ; n < len(four); n++ {
		four[n], scales[n] = four[0], 0
	}
	addScaled(b.sums, &four, &scales)
}

// addScaled adds four columns, each times its scale, to sums, which are as long: at a time, since sums are then read and written
// once, and not four times.
func addScaled(sums []float32, columns *[4][]float32, scales *[4]float32) {
	a, b, c, d := columns[0][:len(sums)], columns[1][:len(sums)], columns[2][:len(sums)], columns[3][:len(sums)]
	s, t, u, v := scales[0], scales[1], scales[2], scales[3]
	for i := range sums {
		sums[i] += s*a[i] + t*b[i] + (u*c[i] + v*d[i])
	}
}

// activation is the sum of the weights of the features that are there; both are in the order of their hashes.
func (n *neuron) activation(v *Vector) float64 {
	sum, rest := 0.0, v.features
	for i := range n.weights {
		w := &n.weights[i]
		for len(rest) > 0 && rest[0] < w.feature {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0] == w.feature {
			sum += w.value
		}
	}
	return sum
}
