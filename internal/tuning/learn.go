package tuning

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How neurons learn: logistic regression by stochastic gradient descent (Bottou, "Stochastic Gradient Descent Tricks", 2012) with
// weights that shrink (L2), from few examples and in few rounds.
const (
	learnLeast  = 3 // examples of a label, before anything is learnt
	learnRounds = 40
	learnRate   = 0.2
	learnShrink = 0.002
)

// Neurons proposes the next version of L2's tuning from the signals that people have put a label on, and nil where nothing
// follows. Background are the features of signals that nobody spoke about: they count as not what the label says. A
// neuron is proposed only where it tells the examples apart.
func Neurons(live *layers.Tuning, since time.Time, all []Feedback, background [][]string) *layers.Tuning {
	labels := make(map[string]bool) // whether something was said since
	for i := range all {
		if f := &all[i]; f.Opinion == OpinionIs || f.Opinion == OpinionIsNot {
			labels[f.Label] = labels[f.Label] || f.At.After(since)
		}
	}
	n := next(live)
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if !labels[label] || len(n.Why) == changesMost {
			continue
		}
		examples, positive := examplesOf(label, all, background)
		if positive < learnLeast {
			continue
		}
		neuron, ok := learn(label, examples)
		if !ok || !put(n, neuron) {
			continue
		}
		n.Why = append(n.Why, fmt.Sprintf("%s: learnt from %d signals that are it and %d that are not", label, positive, len(examples)-positive))
	}
	if len(n.Why) == 0 || n.Validate() != nil {
		return nil
	}
	return n
}

// example is a signal that is, or is not, what a label says.
type example struct {
	features []string
	is       bool
}

func examplesOf(label string, all []Feedback, background [][]string) (list []example, positive int) {
	balance := make(map[string]int) // by signal
	features := make(map[string][]string)
	for _, f := range inOrder(all) {
		if f.Label != label {
			continue
		}
		id := f.Source + "\x00" + f.ID
		features[id] = f.Features
		if f.Opinion == OpinionIs {
			balance[id]++
		} else {
			balance[id]--
		}
	}
	said := make(map[string]bool)
	for _, id := range slices.Sorted(maps.Keys(balance)) {
		if balance[id] == 0 {
			continue
		}
		list = append(list, example{features[id], balance[id] > 0})
		said[fmt.Sprint(features[id])] = true
		if balance[id] > 0 {
			positive++
		}
	}
	for _, other := range background {
		if name := fmt.Sprint(other); len(other) > 0 && !said[name] {
			said[name] = true
			list = append(list, example{features: other})
		}
	}
	return list, positive
}

// learn returns the neuron that tells the examples apart; ok is false where none does.
func learn(label string, examples []example) (n layers.TunedNeuron, ok bool) {
	weights, bias := make(map[string]float64), 0.0
	for range learnRounds {
		for _, x := range examples {
			z, want := bias, 0.0
			for _, feature := range x.features {
				z += weights[feature]
			}
			if x.is {
				want = 1
			}
			gradient := want - 1/(1+math.Exp(-z))
			bias += learnRate * gradient
			for _, feature := range x.features {
				w := weights[feature]*(1-learnShrink) + learnRate*gradient
				weights[feature] = min(max(w, -layers.TuningMaxWeight), layers.TuningMaxWeight)
			}
		}
	}
	return cut(label, weights, examples)
}

// cut keeps the heaviest weights, and puts the threshold between the examples.
func cut(label string, weights map[string]float64, examples []example) (n layers.TunedNeuron, ok bool) {
	features := slices.SortedFunc(maps.Keys(weights), func(a, b string) int {
		return cmp.Or(cmp.Compare(math.Abs(weights[b]), math.Abs(weights[a])), cmp.Compare(a, b))
	})
	n = layers.TunedNeuron{Name: "learnt:" + label, Label: label, Weights: make(map[string]float64)}
	if len(n.Name) > maxLabel {
		n.Name = strings.ToValidUTF8(n.Name[:maxLabel], "")
	}
	for _, feature := range features[:min(len(features), layers.TuningMaxWeights)] {
		n.Weights[feature] = math.Round(weights[feature]*1000) / 1000
	}
	least, most := math.Inf(1), 0.0 // of what it is, and of what it is not
	for _, x := range examples {
		sum := 0.0
		for _, feature := range x.features {
			sum += n.Weights[feature]
		}
		if x.is {
			least = min(least, sum)
		} else {
			most = max(most, sum)
		}
	}
	n.Threshold = math.Round((least+most)/2*1000) / 1000
	return n, least > most && n.Threshold > 0 && n.Threshold <= least && !math.IsInf(least, 0)
}

// put replaces the neuron of a label, or adds it, and reports whether that changes something and there is room.
func put(t *layers.Tuning, n layers.TunedNeuron) bool {
	for i := range t.Neurons {
		if t.Neurons[i].Label == n.Label {
			if t.Neurons[i].Threshold == n.Threshold && maps.Equal(t.Neurons[i].Weights, n.Weights) {
				return false
			}
			t.Neurons[i] = n
			return true
		}
	}
	if len(t.Neurons) == layers.TuningMaxNeurons {
		return false
	}
	t.Neurons = append(t.Neurons, n)
	return true
}
