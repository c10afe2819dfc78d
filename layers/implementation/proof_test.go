package implementation

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// TestProofNamesNeuronsAndFeatures has two neurons of one class: the stronger one is named, with what speaks for it.
func TestProofNamesNeuronsAndFeatures(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Neurons = []Neuron{{Name: "weak", Label: "memory", Weights: map[string]float64{"oom": 1}, Threshold: 1}, memory()}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &layers.Envelope{Signal: layers.Signal{Source: "postgres", Text: "OOM: killed process 7, memory", Severity: layers.SeverityError}}
	if _, err := l.Decide(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	want := &layers.Evidence{Neurons: []layers.FiredNeuron{{
		Name: "out-of-memory", Label: "memory", Activation: 3.5, Threshold: 2, Features: []string{"oom", "killed", "memory", "severity:error"},
	}}}
	if diff := cmp.Diff(want, e.Findings.Evidence); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	quiet := &layers.Envelope{Signal: layers.Signal{Text: "fine"}}
	if _, err := l.Decide(t.Context(), quiet); err != nil || quiet.Findings.Evidence != nil {
		t.Errorf("%v: evidence of nothing: %+v", err, quiet.Findings.Evidence)
	}
}
