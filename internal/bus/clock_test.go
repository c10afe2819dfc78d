package bus_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

// jumping is a clock that somebody sets.
type jumping struct{ offset atomic.Int64 }

func (j *jumping) now() time.Time { return time.Now().Round(0).Add(time.Duration(j.offset.Load())) }

// TestClockJumpsLoseAndDoubleNothing sets the clock an hour on and back while a stage works, while it is at a signal,
// and between two lives: each signal is answered once and in order, no layer is taken for hanging, and the
// stage goes on saving checkpoints.
func TestClockJumpsLoseAndDoubleNothing(t *testing.T) {
	const n = 1200
	b, _ := provisioned(t, bus.DefaultTopology())
	clock := &jumping{}
	hours := []time.Duration{time.Hour, 0, -time.Hour, 0, time.Hour, -time.Hour}
	observed := &counts{}
	for life := range len(hours) {
		run := newStageRun(b)
		run.now, run.observed = clock.now, observed
		run.cfg.DecideTime = 400 * time.Millisecond
		run.layer = func() (layers.Layer, error) {
			return &tally{seen: map[string]int{}, fail: func(e *layers.Envelope) error {
				if e.ID == fmt.Sprint("s", life*200+100) { // In the middle of a life, and of a signal.
					clock.offset.Store(int64(hours[life]))
					time.Sleep(150 * time.Millisecond) // The watch looks at it meanwhile.
				}
				return nil
			}}, nil
		}
		runner, stop := run.launch(t)
		for at := life * 200; at < life*200+200; at += 50 {
			feed(t, b, at, at+50)
		}
		waitSettled(t, b, life*200+200)
		if stuck := runner.Stuck(); stuck < 0 || stuck > 30*time.Second {
			t.Errorf("a stage that works counts as stuck for %s", stuck)
		}
		stop()
	}
	wantEachOnceInOrder(t, waitSettled(t, b, n), n)
	if restarts := observed.restarted.Load(); restarts > 0 {
		t.Errorf("the stage ended %d times", restarts)
	}
	if dead := observed.dead.Load(); dead > 0 {
		t.Errorf("%d dead letters", dead)
	}
}
