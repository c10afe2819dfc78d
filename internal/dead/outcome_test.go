package dead_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// outcome is what the streams say about signals.
type outcome struct {
	letters  map[string]string // reason by signal id
	verdicts map[string]layers.Verdict
}

// outcomes reads letters and verdicts, and requires that no signal has two of either.
func outcomes(t *testing.T, b *bus.Bus) outcome {
	t.Helper()
	o := outcome{letters: map[string]string{}, verdicts: map[string]layers.Verdict{}}
	err := open(t, b).Newest(t.Context(), dead.Filter{}, func(l *dead.Letter) bool {
		if _, twice := o.letters[l.SignalID]; twice {
			t.Errorf("signal %s has two letters", l.SignalID)
		}
		o.letters[l.SignalID] = fmt.Sprintf("%s %s/%d after %d: %s", l.Layer, l.Stream, l.StreamSeq, l.Attempts, l.Reason)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Walk(t.Context(), bus.Window{Stream: pipeline.StreamVerdicts}, func(m *bus.Message) bool {
		var v layers.Verdict
		if err := json.Unmarshal(m.Data, &v); err != nil {
			t.Error(err)
		}
		if _, twice := o.verdicts[v.SignalID]; twice {
			t.Errorf("signal %s has two verdicts", v.SignalID)
		}
		o.verdicts[v.SignalID] = v
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// await waits for so many letters.
func await(t *testing.T, b *bus.Bus, n int) (o outcome) {
	t.Helper()
	for range 300 {
		if o = outcomes(t, b); len(o.letters) >= n && len(o.verdicts) >= n {
			return o
		}
		time.Sleep(50 * time.Millisecond) // The mover works in the background.
	}
	t.Fatalf("%d letters and %d verdicts, want %d", len(o.letters), len(o.verdicts), n)
	return o
}
