package implementation

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Bounds of a bank of neurons.
const (
	// MaxNeurons bounds a bank: all of it is asked about every signal.
	MaxNeurons      = 2_000
	maxWeights      = 128 // of one neuron
	maxWeight       = 1e6
	maxNeuronName   = 64 // bytes
	maxClasses      = 8  // of one signal
	leastActivation = 1e-6
	// rounding is by how much a sum may miss the threshold that it should reach: 0.7+0.2+0.1 is less than 1 in floats.
	rounding = 1e-9
)

// Neuron is a weighted detector over the features of a signal: it fires where the weights of the features that are there add up to
// the threshold.
type Neuron struct {
	Name      string             `yaml:"name"`      // unique
	Label     string             `yaml:"label"`     // the class of a signal where it fires; default the name
	Weights   map[string]float64 `yaml:"weights"`   // by feature: a word in lower case, severity:x, type:x, source:x, label:name=value, number:name
	Threshold float64            `yaml:"threshold"` // more than 0
	Flag      bool               `yaml:"flag"`      // opens or joins a situation where it fires; default false
}

// validate returns all problems, joined; i is its place.
func (n *Neuron) validate(i int) error {
	var problems []error
	fail := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("implementation: neurons[%d].%s", i, fmt.Sprintf(format, args...)))
	}
	if n.Name == "" || len(n.Name) > maxNeuronName {
		fail("name: want 1 to %d bytes", maxNeuronName)
	}
	if len(n.Label) > maxNeuronName {
		fail("label: want at most %d bytes", maxNeuronName)
	}
	if !(n.Threshold >= leastActivation && n.Threshold <= maxWeights*maxWeight) {
		fail("threshold is %v: want more than 0", n.Threshold)
	}
	if len(n.Weights) == 0 || len(n.Weights) > maxWeights {
		fail("weights: want 1 to %d features, not %d", maxWeights, len(n.Weights))
	}
	most := 0.0
	for _, feature := range slices.Sorted(maps.Keys(n.Weights)) {
		weight := n.Weights[feature]
		if problem := featureProblem(feature); problem != "" {
			fail("weights.%s: %s", feature, problem)
		}
		if math.IsNaN(weight) || math.Abs(weight) > maxWeight {
			fail("weights.%s is %v: want -1000000 to 1000000", feature, weight)
		}
		most += max(weight, 0)
	}
	if len(problems) == 0 && most < n.Threshold*(1-rounding) {
		fail("threshold is %v: the weights add up to %v at most, so it can never fire", n.Threshold, most)
	}
	return errors.Join(problems...)
}
