package bench

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestSignals(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for name, generate := range map[string]generator{"plain": plain, "critical": critical, "mixed": mixed} {
		kinds := map[string]bool{}
		for i := range 12_000 {
			data := generate(i, at)
			if len(data) != signalBytes {
				t.Fatalf("%s %d has %d bytes: want %d: %s", name, i, len(data), signalBytes, data)
			}
			var fields struct{ ID, Source, Severity string }
			if err := json.Unmarshal(data, &fields); err != nil {
				t.Fatalf("%s %d is no JSON: %v: %s", name, i, err, data)
			}
			kinds[fields.Source+" "+fields.Severity] = true
			if number, err := numberOf(data); err != nil || number != i {
				t.Fatalf("%s %d reads as %d, %v", name, i, number, err)
			}
			if string(generate(i, at)) != string(data) {
				t.Fatalf("%s %d differs from itself", name, i)
			}
		}
		if want := map[string]int{"plain": 1, "critical": 1, "mixed": 6}[name]; len(kinds) != want {
			t.Errorf("%s has the kinds %v: want %d", name, kinds, want)
		}
	}
	if got := len(sized(64<<10)(7, at)); got != 64<<10 {
		t.Errorf("a signal of 64 KiB has %d bytes", got)
	}
	if _, err := numberOf([]byte(`{"id":"x1"}`)); err == nil {
		t.Error("a signal of somebody else has a number")
	}
}

func TestNumberOfVerdict(t *testing.T) {
	for _, test := range []struct {
		text  string
		layer layers.Name
		want  int // -1 for an error
	}{
		{`{"signal_id":"b00000042","layer":"L5","disposition":"resolved"}`, layers.NameL5, 42},
		{`{"signal_id":"b00000042","layer":"L5","disposition":"resolved"}`, 0, 42},
		{`{"signal_id":"b00000042","layer":"L3","disposition":"folded"}`, 0, 42},
		{`{"signal_id":"b00000042","layer":"L3","disposition":"folded"}`, layers.NameL5, -1},
		{`{"signal_id":"b00000042","layer":"L5","disposition":"dead","reason":"panicked"}`, 0, -1},
		{`{"signal_id":"other","layer":"L5","disposition":"resolved"}`, 0, -1},
		{`nothing`, 0, -1},
	} {
		got, err := numberOfVerdict(test.layer)([]byte(test.text))
		if test.want < 0 && err == nil || test.want >= 0 && (err != nil || got != test.want) {
			t.Errorf("%s for %s: %d, %v: want %d", test.text, test.layer, got, err, test.want)
		}
	}
}

// TestDecideAll has criticals reach every layer.
func TestDecideAll(t *testing.T) {
	samples, err := decideAll(t.Context(), 20, 200)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(samples[0]); got != 200 {
		t.Errorf("L1 saw %d signals: want 200", got)
	}
	for i := 1; i < len(samples); i++ {
		if n := len(samples[i]); n < 200/layerCritical || n > len(samples[i-1]) {
			t.Errorf("%s saw %d signals: want the criticals and no more than the layer below (%d)", layers.Names()[i], n, len(samples[i-1]))
		}
	}
}
