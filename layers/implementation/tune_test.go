package implementation

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

func learnt(version int64, word string) layers.Tuning {
	return layers.Tuning{Layer: layers.NameL2, Version: version, Neurons: []layers.TunedNeuron{
		{Name: "learnt:" + word, Label: word, Weights: map[string]float64{word: 1}, Threshold: 1},
	}}
}

func tell(t *testing.T, l *Layer, tunings layers.Tunings) {
	t.Helper()
	data, err := json.Marshal(tunings)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Hear(&layers.Note{ID: "a", Kind: layers.NoteTuning, Data: data}); err != nil {
		t.Fatal(err)
	}
}

func classes(t *testing.T, l *Layer, text string) (list []string, e *layers.Evidence) {
	t.Helper()
	envelope := &layers.Envelope{Signal: layers.Signal{Source: "web", Text: text}}
	if _, err := l.Decide(t.Context(), envelope); err != nil {
		t.Fatal(err)
	}
	return labels(envelope.Findings.Classes), envelope.Findings.Evidence
}

// TestLearntNeuronsFireBesideTheConfigured tells a tuning, another one, and none.
func TestLearntNeuronsFireBesideTheConfigured(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Neurons = []Neuron{{Name: "disk", Weights: map[string]float64{"disk": 1}, Threshold: 1}}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := func(text string, want ...string) *layers.Evidence {
		t.Helper()
		got, e := classes(t, l, text)
		if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
		return e
	}
	want("disk and memory", "disk")
	shadow := learnt(1, "memory")
	tell(t, l, layers.Tunings{Live: layers.Tuning{Layer: layers.NameL2}, Shadow: &shadow})
	if e := want("disk and memory", "disk"); e == nil || len(e.Shadow) != 1 || !strings.Contains(e.Shadow[0], "[disk memory] instead of [disk]") {
		t.Errorf("the shadow says %+v", e)
	}
	if e := want("disk", "disk"); len(e.Shadow) != 0 {
		t.Errorf("the shadow says %q of what it does not change", e.Shadow)
	}
	tell(t, l, layers.Tunings{Live: learnt(1, "memory")})
	if e := want("disk and memory", "disk", "memory"); e.Tuning["L2"] != 1 || len(e.Shadow) != 0 {
		t.Errorf("%+v", e)
	}
	state, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if l, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := l.Restore(state); err != nil {
		t.Fatal(err)
	}
	want("disk and memory", "disk", "memory")
	tell(t, l, layers.Tunings{Live: layers.Tuning{Layer: layers.NameL2, Version: 2}})
	want("disk and memory", "disk")
	if err := l.Hear(&layers.Note{Kind: layers.NoteTuning, Data: []byte(`{"live":{"layer":"L3"}}`)}); err == nil {
		t.Error("a tuning of L3 is heard")
	}
}

// TestAnOlderNoteDoesNotWin has a slow process tell what held before.
func TestAnOlderNoteDoesNotWin(t *testing.T) {
	l, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	tell(t, l, layers.Tunings{Live: learnt(2, "disk"), Revision: 7})
	tell(t, l, layers.Tunings{Live: learnt(1, "disk"), Revision: 5})
	if l.tunings.Live.Version != 2 {
		t.Errorf("version %d holds, want 2", l.tunings.Live.Version)
	}
}
