package bus_test

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

// TestStuckStageTells hangs a layer and looks whether the stage's own clock shows it.
func TestStuckStageTells(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	run.cfg.TickEvery = 20 * time.Millisecond
	hanging, release := make(chan struct{}), make(chan struct{})
	run.layer = func() (layers.Layer, error) {
		return &tally{seen: map[string]int{}, fail: func(*layers.Envelope) error {
			close(hanging)
			<-release
			return nil
		}}, nil
	}
	runner, stop := run.launch(t)
	for range 200 {
		if _, ok := runner.State(); ok && runner.Working() {
			break
		}
		time.Sleep(10 * time.Millisecond) // The stage opens in the background.
	}
	time.Sleep(200 * time.Millisecond) // An idle stage turns all the time.
	if stuck := runner.Stuck(); stuck > 150*time.Millisecond {
		t.Errorf("an idle stage counts as stuck for %s", stuck)
	}
	feed(t, b, 0, 1)
	<-hanging
	time.Sleep(300 * time.Millisecond) // This is what is measured.
	if stuck := runner.Stuck(); stuck < 250*time.Millisecond {
		t.Errorf("a hanging stage counts as stuck for %s only", stuck)
	}
	close(release)
	stop()
}
