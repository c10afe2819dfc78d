package bus_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// fill publishes records of 32 KiB to L1 until the stream refuses and returns how many it took.
func fill(t *testing.T, b *bus.Bus) (n int) {
	t.Helper()
	for ; n < 10_000; n++ {
		_, err := b.Submit(t.Context(), []pipeline.Record{{
			Subject: "hal9.signals.big", Data: bytes.Repeat([]byte("x"), 32<<10),
		}})
		if busy, ok := errors.AsType[*bus.BusyError](err); ok {
			if busy.RetryAfter() <= 0 {
				t.Error("a full stream does not say when to come back")
			}
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the stream took everything")
	return n
}

// TestFullStreamRefusesAndTrimMakesRoom proves that what nobody has looked at is never dropped: a full
// stream refuses, and trimming removes only what is settled.
func TestFullStreamRefusesAndTrimMakesRoom(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.StoreBytes = 64 << 20
	b, _ := provisioned(t, topology)
	key := pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}
	n := fill(t, b)

	if err := b.Trim(t.Context(), key, 0); err != nil {
		t.Fatal(err)
	}
	waitDepth(t, b, layers.NameL1, uint64(n)) // Nothing is settled, so nothing may be gone.

	source, _, err := b.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var settled []pipeline.Delivery
	for len(settled) < 300 {
		burst, err := source.Next(t.Context(), time.Second, 0)
		if err != nil || len(burst) == 0 {
			t.Fatalf("%d messages came (%v), want 300", len(settled), err)
		}
		settled = append(settled, burst...)
	}
	if err := source.Settle(settled); err != nil {
		t.Fatal(err)
	}
	if err := b.Trim(t.Context(), key, settled[len(settled)-1].Seq); err != nil {
		t.Fatal(err)
	}
	more := fill(t, b)
	if more < 290 {
		t.Errorf("%d signals found room after 300 were settled", more)
	}
	if got := take(t, source, n+more-len(settled)); got[0].Seq != settled[len(settled)-1].Seq+1 {
		t.Errorf("the first unsettled message is %d, want %d", got[0].Seq, settled[len(settled)-1].Seq+1)
	}
}

// TestTrimKeepsWhatTheLedgerNeeds fills a stream of L2 with small messages to more than half, all of them settled.
func TestTrimKeepsWhatTheLedgerNeeds(t *testing.T) {
	const n, kept = 120_000, 100_000
	topology := bus.DefaultTopology()
	topology.StoreBytes = 64 << 20
	b, _ := provisioned(t, topology)
	key := pipeline.StageKey{Layer: layers.NameL2, Partitions: 1}
	batch := make([]pipeline.Record, 4000)
	for i := range batch {
		batch[i] = pipeline.Record{Subject: pipeline.SubjectOf(key.Layer, 0), Data: make([]byte, 50)}
	}
	for range n / len(batch) {
		if err := b.Publish(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Trim(t.Context(), key, n); err != nil {
		t.Fatal(err)
	}
	first, last, err := b.Extent(t.Context(), key.Stream())
	if err != nil || first != n-kept+1 || last != n {
		t.Errorf("messages %d to %d are left (%v), want %d to %d", first, last, err, n-kept+1, n)
	}
}
