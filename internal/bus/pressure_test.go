package bus_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestLagOfTheScoutStaysInItsProcess has one process tell how far a layer and its scout are behind: the other one hears of
// the layer alone, and of a scout at rest nobody believes anything.
func TestLagOfTheScoutStaysInItsProcess(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	ctx, cancel := context.WithCancel(t.Context())
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel()
	var both [2]*bus.Pressures
	for i, b := range []*bus.Bus{b, connect(t, server)} {
		var err error
		if both[i], err = b.Pressures(t.Context()); err != nil {
			t.Fatal(err)
		}
		telling.Go(func() { both[i].Run(ctx) })
	}
	here, there := both[0], both[1]
	l3, scout := pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}, pipeline.ScoutKey(1)
	here.Report(scout, time.Minute)
	here.Report(l3, time.Minute)
	for deadline := time.Now().Add(10 * time.Second); there.Behind(l3) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other process hears nothing")
		}
	}
	if here.Behind(scout) != time.Minute || there.Behind(scout) != 0 {
		t.Errorf("the scout is behind by %s here and %s there: want a minute and nothing", here.Behind(scout), there.Behind(scout))
	}
	here.Forget(scout)
	if got := here.Behind(scout); got != 0 {
		t.Errorf("a scout at rest is behind by %s", got)
	}
}
