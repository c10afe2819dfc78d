package bus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// slow is a layer that takes its time and answers everything.
type slow struct{ time.Duration }

func (s slow) Decide(ctx context.Context, _ *layers.Envelope) (layers.Decision, error) {
	timer := time.NewTimer(s.Duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return layers.Decision{Disposition: layers.DispositionResolved, Reason: "slowly"}, nil
	case <-ctx.Done():
		return layers.Decision{}, ctx.Err()
	}
}

// messagesFor returns how many messages wait for a consumer or are in its hands.
func messagesFor(t *testing.T, js jetstream.JetStream, stream, durable string) uint64 {
	t.Helper()
	consumer, err := js.Consumer(t.Context(), stream, durable)
	if err != nil {
		t.Fatal(err)
	}
	info := consumer.CachedInfo()
	return info.NumPending + uint64(info.NumAckPending)
}

// TestSlowLayerHoldsBackTheOneBelow runs L3 at 5 ms a signal above an L2 that takes no time: the backlog must stay in
// front of L2, although L3 is at one burst for seconds, and each signal must be answered once.
func TestSlowLayerHoldsBackTheOneBelow(t *testing.T) {
	const n = 2400
	b, server := provisioned(t, bus.DefaultTopology())
	js := jetStream(t, server)
	pressures, err := b.Pressures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel()
	telling.Go(func() { pressures.Run(ctx) })
	run := func(key pipeline.StageKey, layer layers.Layer) (stop func()) {
		r := newStageRun(b)
		r.key, r.pressure = key, pressures
		r.cfg.CheckpointMessages = 1 << 20
		r.layer = func() (layers.Layer, error) { return layer, nil }
		return r.start(t)
	}
	stopL3 := run(pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}, slow{5 * time.Millisecond})
	stopL2 := run(pipeline.StageKey{Layer: layers.NameL2, Partitions: 1}, climbing{})
	most, held := uint64(0), false
	for i := range n {
		climb(t, b, i)
		time.Sleep(time.Millisecond) // Stages tell now and then how far they are behind.
		if i%20 == 0 {               // It looks now and then, while L3 works.
			l3 := messagesFor(t, js, "HAL9_L3", "l3")
			most, held = max(most, l3), held || pressures.Behind(pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}) > pipeline.BehindSome
		}
	}
	got := waitSettledIn(t, b, n, "HAL9_L4")
	stopL2()
	stopL3()
	for id, ends := range got {
		if len(ends) != 1 {
			t.Errorf("signal %s ended %d times", id, len(ends))
		}
	}
	if !held {
		t.Error("L3 was never behind")
	}
	// What L2 hands up before it notices comes on top of what holds it back; without that it is nearly all of them.
	if most > 3*n/4 {
		t.Errorf("%d messages with %d signals waited in front of the slow layer", most, n)
	}
	t.Logf("at most %d messages waited in front of L3", most)
}

// climb publishes one signal to L2.
func climb(t *testing.T, b *bus.Bus, i int) {
	t.Helper()
	data, err := pipeline.NewPack(&layers.Envelope{
		Signal: layers.Signal{ID: fmt.Sprint("s", i), Source: "test", Key: "k"}, ReceivedAt: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.l2.0", Data: data}}); err != nil {
		t.Fatal(err)
	}
}
