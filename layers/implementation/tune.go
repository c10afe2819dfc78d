package implementation

import (
	"fmt"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// Hear implements layers.Listener: it takes over another tuning, unless that is older.
func (l *Layer) Hear(n *layers.Note) error {
	t, ok, err := layers.ReadTunings(n, layers.NameL2)
	if ok && err == nil && !t.IsOlder(&l.tunings) {
		l.take(t)
	}
	return err
}

// take makes the banks of a tuning.
func (l *Layer) take(t layers.Tunings) {
	if len(t.Live.Neurons)+len(l.tunings.Live.Neurons) > 0 { // Otherwise the bank is that of the configuration, which takes its time to make.
		l.bank = l.bankOf(t.Live.Neurons)
	}
	l.tunings, l.shadow = t, nil
	if t.Shadow != nil {
		l.shadow = l.bankOf(t.Shadow.Neurons)
	}
}

// bankOf returns the bank of the configured neurons with those that were learnt, nil where there are none.
func (l *Layer) bankOf(learnt []layers.TunedNeuron) *Bank {
	all := slices.Clone(l.neurons)
	for _, n := range learnt {
		all = append(all, Neuron{Name: n.Name, Label: n.Label, Weights: n.Weights, Threshold: n.Threshold})
	}
	if len(all) == 0 {
		return nil
	}
	return NewBank(all)
}

// classify asks the neurons, and notes where those of the tuning in the shadow would answer otherwise.
func (l *Layer) classify(e *layers.Envelope) {
	if l.bank == nil && l.shadow == nil {
		return
	}
	l.vector.Read(e)
	var fired []layers.Class
	if l.bank != nil {
		fired = l.bank.Fire(&l.vector)
		e.Findings.Classes = append(e.Findings.Classes, fired...) // behind what L1 says
		if len(fired) > 0 {
			e.Findings.Proof().Neurons = l.bank.Proof(&l.vector, fired)
			if l.tunings.Live.Version > 0 {
				e.Findings.Proof().Tune(layers.NameL2, l.tunings.Live.Version)
			}
		}
	}
	if l.tunings.Shadow == nil {
		return
	}
	var other []layers.Class
	if l.shadow != nil {
		other = l.shadow.Fire(&l.vector)
	}
	live, shadow := labels(fired), labels(other)
	if !slices.Equal(live, shadow) {
		proof := e.Findings.Proof()
		proof.Shadow = append(proof.Shadow, fmt.Sprintf("L2 version %d: looks like %v instead of %v", l.tunings.Shadow.Version, shadow, live))
	}
}

// labels returns the labels of classes, sorted.
func labels(classes []layers.Class) []string {
	list := make([]string, len(classes))
	for i, class := range classes {
		list[i] = class.Label
	}
	slices.Sort(list)
	return list
}
