package implementation

import (
	"cmp"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// maxShown bounds the features that a proof names of each neuron.
const maxShown = 5

// Proof says which neurons made the classes that Fire returned for the same vector, and which features made them
// fire: of each class the strongest.
func (b *Bank) Proof(v *Vector, classes []layers.Class) []layers.FiredNeuron {
	fired := make([]layers.FiredNeuron, len(classes))
	for i := range b.neurons {
		n := &b.neurons[i]
		at := slices.IndexFunc(classes, func(c layers.Class) bool { return c.Label == n.label })
		if at < 0 {
			continue
		}
		activation := n.activation(v)
		if activation < n.bar || fired[at].Name != "" && activation/n.threshold <= fired[at].Activation/fired[at].Threshold {
			continue
		}
		fired[at] = layers.FiredNeuron{
			Name: n.name, Label: n.label, Activation: activation, Threshold: n.threshold, Features: n.present(v),
		}
	}
	return fired
}

// present returns the features of the signal that speak for the neuron, the heaviest first.
func (n *neuron) present(v *Vector) []string {
	var there []weight
	for _, w := range n.weights {
		if _, found := slices.BinarySearch(v.features, w.feature); found && w.value > 0 {
			there = append(there, w)
		}
	}
	slices.SortFunc(there, func(a, b weight) int { return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.name, b.name)) })
	names := []string{}
	for _, w := range there[:min(maxShown, len(there))] {
		names = append(names, w.name)
	}
	return names
}
