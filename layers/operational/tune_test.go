package operational

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func tell(tb testing.TB, l *Layer, t layers.Tunings) {
	tb.Helper()
	data, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	if err := l.Hear(&layers.Note{ID: "a", Kind: layers.NoteTuning, Data: data}); err != nil {
		tb.Fatal(err)
	}
}

func tuned(version int64, key string, steps int) layers.Tuning {
	return layers.Tuning{Layer: layers.NameL3, Version: version, Sensitivities: []layers.Sensitivity{{Source: "*", Key: key, Steps: steps}}}
}

// spikes sends values that leave the baseline of a key more and more, and returns which of them are flagged, and
// what a shadow would change.
func spikes(t *testing.T, tunings layers.Tunings, key string) (flagged string, shadow int) {
	t.Helper()
	l, s := newLayer(t), &sent{}
	at := settle(t, l, s, key, 200)
	tell(t, l, tunings)
	var b strings.Builder
	for i, value := range []float64{42, 42.5, 43, 43.3, 43.6, 46, 400} {
		for k := range 60 { // so that each is a deviation of its own
			decide(t, l, s.value(key, at.Add(time.Duration(i*61+k)*time.Minute), steady(k)))
		}
		e := s.value(key, at.Add(time.Duration(i*61+60)*time.Minute), value)
		decide(t, l, e)
		mark := "."
		if e.Findings.Flagged {
			mark = "!"
		}
		if e.Findings.Evidence != nil {
			shadow += len(e.Findings.Evidence.Shadow)
		}
		b.WriteString(mark)
	}
	return b.String(), shadow
}

// TestTuningMovesTheThreshold raises and lowers it: the more steps, the less is flagged.
func TestTuningMovesTheThreshold(t *testing.T) {
	t.Parallel()
	before := 8
	for _, steps := range []int{layers.TuningLeastStep, 0, 4, layers.TuningMostStep} {
		got, _ := spikes(t, layers.Tunings{Live: tuned(1, "db", steps)}, "db")
		n := strings.Count(got, "!")
		if n > before {
			t.Errorf("%d steps flag %s, more than fewer steps", steps, got)
		}
		before = n
	}
	configured, _ := spikes(t, layers.Tunings{Live: layers.Tuning{Layer: layers.NameL3}}, "db")
	most, _ := spikes(t, layers.Tunings{Live: tuned(1, "db", layers.TuningMostStep)}, "db")
	least, _ := spikes(t, layers.Tunings{Live: tuned(1, "db", layers.TuningLeastStep)}, "db")
	other, _ := spikes(t, layers.Tunings{Live: tuned(1, "web*", layers.TuningMostStep)}, "db")
	if most == configured || least == configured || other != configured {
		t.Errorf("configured %s, most %s, least %s, another key's %s", configured, most, least, other)
	}
}

// TestShadowChangesNothingAndSaysWhatItWould compares a layer with a shadow with one without.
func TestShadowChangesNothingAndSaysWhatItWould(t *testing.T) {
	t.Parallel()
	shadow := tuned(1, "db", layers.TuningMostStep)
	configured, none := spikes(t, layers.Tunings{Live: layers.Tuning{Layer: layers.NameL3}}, "db")
	got, said := spikes(t, layers.Tunings{Live: layers.Tuning{Layer: layers.NameL3}, Shadow: &shadow}, "db")
	most, _ := spikes(t, layers.Tunings{Live: shadow}, "db")
	if got != configured || none != 0 || said < strings.Count(configured, "!")-strings.Count(most, "!") || said == 0 {
		t.Errorf("configured %s, with a shadow %s, which says %d; applied %s", configured, got, said, most)
	}
}

// TestTuningIsInTheSnapshot restores a tuned layer.
func TestTuningIsInTheSnapshot(t *testing.T) {
	t.Parallel()
	l := newLayer(t)
	shadow := tuned(4, "x", 1)
	tell(t, l, layers.Tunings{Live: tuned(3, "db", 2), Shadow: &shadow})
	state, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	fresh := newLayer(t)
	if err := fresh.Restore(state); err != nil {
		t.Fatal(err)
	}
	if fresh.tunings.Live.Version != 3 || fresh.tunings.Shadow == nil || fresh.tunings.Shadow.Version != 4 {
		t.Errorf("%+v", fresh.tunings)
	}
}

// TestTuningThatIsNoneChangesNothing hears what is broken, beyond the bounds or meant for others.
func TestTuningThatIsNoneChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLayer(t)
	tell(t, l, layers.Tunings{Live: tuned(3, "db", 2)})
	for _, data := range []string{
		"", "{", `{"live":{"layer":"L2","version":4}}`, `{"live":{"layer":"L3","version":-1}}`,
		`{"live":{"layer":"L3","version":4,"sensitivities":[{"source":"*","key":"db","steps":9}]}}`,
		`{"live":{"layer":"L3","version":4,"sensitivities":[{"source":"*","key":"","steps":1}]}}`,
		`{"live":{"layer":"L3","version":4,"neurons":[{"name":"a","label":"a","weights":{"a":1},"threshold":1}]}}`,
		`{"live":{"layer":"L3","version":4},"shadow":{"layer":"L2"}}`,
	} {
		if err := l.Hear(&layers.Note{Kind: layers.NoteTuning, Data: json.RawMessage(data)}); err == nil {
			t.Errorf("%s is heard", data)
		}
	}
	if err := l.Hear(&layers.Note{Kind: "other", Data: json.RawMessage("{")}); err != nil {
		t.Errorf("a note of another kind: %v", err)
	}
	if l.tunings.Live.Version != 3 {
		t.Errorf("version %d", l.tunings.Live.Version)
	}
}

// TestCriticalIsNeverTuned has the strongest tuning look at a critical signal.
func TestCriticalIsNeverTuned(t *testing.T) {
	t.Parallel()
	l, s := newLayer(t), &sent{}
	tell(t, l, layers.Tunings{Live: tuned(1, "db", layers.TuningMostStep)})
	e := s.text("db", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), layers.SeverityCritical, "down")
	decide(t, l, e)
	if !e.Findings.Flagged || e.Findings.Anomaly != 1 || e.Findings.Situation == nil {
		t.Errorf("%+v", e.Findings)
	}
}

// TestAnOlderNoteDoesNotWin has a slow process tell what held before.
func TestAnOlderNoteDoesNotWin(t *testing.T) {
	l := newLayer(t)
	newer := layers.Tunings{Live: tuned(2, "a", 1), Revision: 7}
	tell(t, l, newer)
	tell(t, l, layers.Tunings{Live: tuned(1, "a", 4), Revision: 5})
	if l.tunings.Live.Version != 2 {
		t.Errorf("version %d holds, want 2", l.tunings.Live.Version)
	}
	state, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := newLayer(t)
	if err := again.Restore(state); err != nil {
		t.Fatal(err)
	}
	tell(t, again, layers.Tunings{Live: tuned(1, "a", 4), Revision: 5})
	if again.tunings.Live.Version != 2 {
		t.Errorf("after a restart version %d holds, want 2", again.tunings.Live.Version)
	}
}
