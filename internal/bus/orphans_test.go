package bus_test

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestWhatWasDeliveredIsKnownAfterTheConsumerBeganAnew has lives of L1 end one after the other with messages in their hands. Each
// takes the orphans of the one before back, so the consumer forgets what it delivered; no life may take for new what
// an earlier one had.
func TestWhatWasDeliveredIsKnownAfterTheConsumerBeganAnew(t *testing.T) {
	const n = 9000 // More than a life is given before it settles something.
	b, server := provisioned(t, bus.DefaultTopology())
	key := pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}
	list := make([]pipeline.Record, n)
	for i := range list {
		list[i] = pipeline.Record{Subject: "hal9.signals.a", Data: []byte("x")}
	}
	if err := b.Publish(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for life := range 3 {
		other := connect(t, server)
		source, backlog, err := other.Open(t.Context(), key, 0)
		if err != nil {
			t.Fatal(err)
		}
		if life > 0 && (backlog.Empty || backlog.Last != n) {
			t.Errorf("life %d: backlog %+v, want one up to %d: that is what the first life had", life, backlog, n)
		}
		if life == 0 {
			take(t, source, n)
		}
		other.Close()
		source.Close()
		time.Sleep(300 * time.Millisecond) // The server takes a moment to notice.
	}
}

// TestSharedSourceNoticesThatItsConsumerBeganAnew resets the consumer under a process that works.
func TestSharedSourceNoticesThatItsConsumerBeganAnew(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	key := pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}
	source, _, err := b.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	publish := func() {
		t.Helper()
		if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.signals.a", Data: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	take(t, source, 1)
	if _, err := jetStream(t, server).ResetConsumer(t.Context(), key.Stream(), key.Durable()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		burst, err := source.Next(t.Context(), time.Second, 0)
		if err != nil {
			return
		}
		if len(burst) > 0 {
			t.Fatalf("message %d came, of which nobody can tell who had it before", burst[0].Seq)
		}
	}
	t.Fatal("nothing came")
}

// TestStoppedSharedSourceGivesBackWhatItHas stops one process of two while it has messages in its hands: the other one must get them at
// once, not after the ack wait.
func TestStoppedSharedSourceGivesBackWhatItHas(t *testing.T) {
	const n = 20
	b, server := provisioned(t, bus.DefaultTopology())
	key := pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}
	for range n {
		if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.signals.a", Data: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
	}
	other := connect(t, server)
	stopped, _, err := other.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := take(t, stopped, n)
	if err := stopped.Settle(got[:5]); err != nil {
		t.Fatal(err)
	}
	alive, _, err := b.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if burst, err := alive.Next(t.Context(), 100*time.Millisecond, 0); err != nil || len(burst) > 0 {
		t.Fatalf("%d messages came (%v), which the other one has", len(burst), err)
	}
	stopped.Return()
	if again := take(t, alive, n-5); again[0].Attempt != 2 {
		t.Errorf("attempt %d, want 2: somebody had it", again[0].Attempt)
	}
}
