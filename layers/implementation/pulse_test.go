package implementation

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestRoutineSignalsShowOnceAMinuteThatTheirKeyIsAlive(t *testing.T) {
	l, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 600 { // ten minutes
		e := &layers.Envelope{Signal: layers.Signal{
			ID: strconv.Itoa(i), Source: "cron", Key: "web-1", Text: fmt.Sprintf("job %d done", i), Time: start.Add(time.Duration(i) * time.Second),
		}}
		d, err := l.Decide(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if d.Disposition == layers.DispositionEscalated {
			if passed++; passed > 2 && e.Findings.Features[layers.FeatureRoutine] != 60 {
				t.Errorf("a pulse with features %v, want 60 routine signals a minute", e.Findings.Features)
			}
		}
		if i == 300 { // it survives a restart
			snapshot, err := l.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if l, err = New(DefaultConfig()); err != nil {
				t.Fatal(err)
			}
			if err := l.Restore(snapshot); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := 1 + 10 - pulseKnown; passed != want {
		t.Errorf("%d of 600 lines climbed: want %d, the first of its template and one a minute", passed, want)
	}
}

func TestKeysThatComeOnceHaveNoPulse(t *testing.T) {
	var p pulse
	for i := range 20_000 {
		at := time.Unix(int64(i), 0)
		if _, ok := p.beats("shop", fmt.Sprint("customer-", i), at); ok {
			t.Fatalf("key %d, seen once, has a pulse", i)
		}
	}
}

// TestReplayIsNoBurst sends ten hours of the past between two minutes of the present.
func TestReplayIsNoBurst(t *testing.T) {
	var p pulse
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for i := range 50 {
		p.beats("web", "a", now.Add(time.Duration(i)*12*time.Second))
	}
	for i := range 3000 {
		p.beats("web", "a", now.Add(-10*time.Hour).Add(time.Duration(i)*12*time.Second))
	}
	if perMinute, ok := p.beats("web", "a", now.Add(10*time.Minute)); !ok || perMinute > 6 {
		t.Errorf("%v a minute (%v), want 5", perMinute, ok)
	}
}
