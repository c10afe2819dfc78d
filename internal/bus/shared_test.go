package bus_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// moody is a layer without state that changes its mind: what it decides anew after a crash may
// differ from what it decided before.
type moody struct{ random *rand.Rand }

func (m *moody) Decide(context.Context, *layers.Envelope) (layers.Decision, error) {
	if m.random.IntN(2) == 0 {
		return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "up"}, nil
	}
	return layers.Decision{Disposition: layers.DispositionResolved, Reason: "down"}, nil
}

// TestSharedStageSettlesEachSignalOnceWhateverBreaks breaks publishing of L1 off at random places. A
// signal that was handed up before the break must not get a verdict after it, nor the other
// way round, and none may be acknowledged unstored.
func TestSharedStageSettlesEachSignalOnceWhateverBreaks(t *testing.T) {
	const n = 2000
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	run.key = pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}
	random := rand.New(rand.NewPCG(5, 6))
	run.layer = func() (layers.Layer, error) { return &moody{random}, nil }
	broker := &forgetful{unreliable: &unreliable{Bus: b, random: rand.New(rand.NewPCG(7, 8)), every: 2}}
	run.broker = broker
	stop := run.start(t)
	for at := 0; at < n; at += 20 {
		var list []pipeline.Record
		for i := at; i < at+20; i++ {
			data, err := pipeline.NewPack(&layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint("s", i), Source: "test", Key: "k"}})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, pipeline.Record{Subject: "hal9.signals.test", Data: data})
		}
		if err := b.Publish(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	got := waitSettledIn(t, b, n, "HAL9_L2")
	stop()
	for id, ends := range got {
		if len(ends) != 1 {
			t.Errorf("signal %s ended %d times", id, len(ends))
		}
	}
	if broker.broken.Load() < 3 {
		t.Errorf("publishing broke off %d times, want at least 3 for the test to mean anything", broker.broken.Load())
	}
}
