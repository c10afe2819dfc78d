package bus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestSettleAcknowledgesTheWholeBurst looks at what the consumers of L1 and L3 still wait for: whatever is left comes again.
func TestSettleAcknowledgesTheWholeBurst(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []pipeline.StageKey{{Layer: layers.NameL1, Partitions: 1}, {Layer: layers.NameL3, Partitions: 1}} {
		subject := pipeline.SubjectOf(key.Layer, 0)
		if key.Shared() {
			subject = pipeline.SubjectSignals + ".test"
		}
		if err := b.Publish(t.Context(), make5(subject)); err != nil {
			t.Fatal(err)
		}
		source, _, err := b.Open(t.Context(), key, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Settle(take(t, source, 5)); err != nil {
			t.Fatal(err)
		}
		source.Close()
		var info *jetstream.ConsumerInfo
		for range 200 {
			consumer, err := js.Consumer(t.Context(), key.Stream(), key.Durable())
			if err != nil {
				t.Fatal(err)
			}
			if info = consumer.CachedInfo(); info.AckFloor.Stream == 5 {
				break
			}
			time.Sleep(10 * time.Millisecond) // Acknowledgements are not answered.
		}
		if info.AckFloor.Stream != 5 || info.NumAckPending != 0 {
			t.Errorf("%s: all up to %d is acknowledged and %d wait for it, want 5 and 0", key.Name(), info.AckFloor.Stream, info.NumAckPending)
		}
	}
}

func make5(subject string) []pipeline.Record {
	list := make([]pipeline.Record, 5)
	for i := range list {
		list[i] = pipeline.Record{Subject: subject, Data: []byte("x")}
	}
	return list
}

// TestSourceEndsWithoutAWordOfTheServer breaks the connection as a crash of the server does: it says nothing, and what was in
// flight is uncertain although the client is back at once.
func TestSourceEndsWithoutAWordOfTheServer(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	source, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL2, Partitions: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if _, err := source.Next(t.Context(), time.Millisecond, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Conn().ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err = source.Next(t.Context(), 20*time.Millisecond, 0); err != nil {
			break
		}
	}
	if !errors.Is(err, bus.ErrDisconnected) {
		t.Errorf("error %v, want %v", err, bus.ErrDisconnected)
	}
}
