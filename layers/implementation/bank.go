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

	flagged   int     // of the neurons that flag the signal at hand the one that fires most strongly; -1 for none
	strongest float64 // how strongly
}

// neuron is a Neuron ready for use.
type neuron struct {
	name, label string
	weights     map[uint64]float64 // by hash of the feature
	threshold   float64
	flag        bool
}

// boundSlack covers the rounding of float32 in sums of at most maxVectorFeatures.
const boundSlack = 0.999

// NewBank returns a bank of valid neurons.
func NewBank(list []Neuron) *Bank {
	b := &Bank{sums: make([]float32, len(list))}
	for i, n := range list {
		own := neuron{name: n.Name, label: cmp.Or(n.Label, n.Name), weights: map[uint64]float64{}, threshold: n.Threshold, flag: n.Flag}
		for feature, weight := range n.Weights {
			hash := hashBytes([]byte(feature))
			own.weights[hash] = weight
			if weight <= 0 {
				continue
			}
			column := &b.columns[dimension(hash)]
			if *column == nil {
				*column = make([]float32, len(list))
			}
			(*column)[i] = max((*column)[i], float32(weight))
		}
		b.neurons = append(b.neurons, own)
	}
	return b
}

// Fire returns the classes of the neurons that fire, the strongest first. The slice is good until the next call.
func (b *Bank) Fire(v *Vector) []layers.Class {
	b.fired, b.flagged, b.strongest = b.fired[:0], -1, 0
	b.activate(v)
	for i, sum := range b.sums {
		n := &b.neurons[i]
		if float64(sum) < n.threshold*boundSlack {
			continue
		}
		activation := n.activation(v)
		if activation < n.threshold {
			continue
		}
		strength := activation / (activation + n.threshold)
		b.fired = append(b.fired, layers.Class{Label: n.label, Strength: strength})
		if n.flag && strength > b.strongest {
			b.flagged, b.strongest = i, strength
		}
	}
	slices.SortStableFunc(b.fired, func(a, c layers.Class) int { return cmp.Compare(c.Strength, a.Strength) })
	b.fired = b.fired[:min(len(b.fired), maxClasses)]
	return b.fired
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

// activation is the sum of the weights of the features that are there.
func (n *neuron) activation(v *Vector) float64 {
	sum := 0.0
	for _, feature := range v.features {
		sum += n.weights[feature]
	}
	return sum
}
