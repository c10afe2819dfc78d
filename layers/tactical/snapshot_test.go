package tactical_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

func TestSnapshotIntoASmallerMemory(t *testing.T) {
	large := newLayer(t)
	for i := range 10 {
		decide(t, large, situation(fmt.Sprintf("sit-%d", i), "db-1", "disk full", layers.SeverityWarning))
	}
	data, err := large.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	cfg := tactical.DefaultConfig()
	cfg.MaxMemory, cfg.MaxRecalled = 2, 20
	small := newWith(t, cfg)
	if err := small.Restore(data); err != nil {
		t.Fatal(err)
	}
	e := situation("present", "db-1", "disk full", layers.SeverityWarning)
	decide(t, small, e)
	var got []string
	for _, r := range e.Findings.Situation.Recalled {
		got = append(got, r.SituationID)
	}
	if diff := cmp.Diff([]string{"sit-9", "sit-8"}, got); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

// TestSeverityBeyondCritical sends one that has no text, which a snapshot could not hold.
func TestSeverityBeyondCritical(t *testing.T) {
	l := newLayer(t)
	decide(t, l, situation("sit-0", "db-1", "disk full", 200))
	data, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	restored := newLayer(t)
	if err := restored.Restore(data); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*tactical.Layer{l, restored} {
		e := situation("sit-1", "db-1", "disk full", layers.SeverityCritical)
		decide(t, l, e)
		if r := e.Findings.Situation.Recalled; len(r) != 1 || r[0].Similarity != 1 {
			t.Errorf("recalled %v: want sit-0 as critical as the present one", r)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, data := range []string{"", "null", "[]", `{"version":3,"memory":[]}`, `{"version":2}`, `{"version":2,"memory":[{"clock":1}]}`, `{"version":1,"memory":[null]}`} {
		if err := newLayer(t).Restore([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), "tactical: restore: ") {
			t.Errorf("restore of %q: %v: want an error of the package", data, err)
		}
	}
}

// FuzzRestore wants whatever is accepted to work and to come out as it went in.
func FuzzRestore(f *testing.F) {
	l := newLayer(f, diskFull())
	for _, e := range climbing()[:40] {
		decide(f, l, e)
	}
	data, err := l.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"memory":[{"id":"a","description":{"words":["x","x"],"severity":"error"}},{"id":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLayer(t)
		if err := l.Restore(data); err != nil {
			return
		}
		first, err := l.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Restore(first); err != nil {
			t.Fatal(err)
		}
		second, err := l.Snapshot()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("snapshot changed over restore (%v):\n%s\n%s", err, first, second)
		}
		decide(t, l, situation("a", "db-1", "disk full", layers.SeverityWarning))
	})
}
