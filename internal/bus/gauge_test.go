package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// publishPack stores a pack of so many signals in a partition of L3.
func publishPack(t *testing.T, b *bus.Bus, partition, signals int) {
	t.Helper()
	var list []*layers.Envelope
	for i := range signals {
		list = append(list, &layers.Envelope{Signal: layers.Signal{ID: strconv.Itoa(i), Source: "test", Key: "k"}})
	}
	data, err := pipeline.NewPack(list...)
	if err != nil {
		t.Fatal(err)
	}
	record := pipeline.Record{Subject: fmt.Sprintf("hal9.l3.%d", partition), Data: data, Header: map[string]string{pipeline.HeaderSignals: strconv.Itoa(signals)}}
	if err := b.Publish(t.Context(), []pipeline.Record{record}); err != nil {
		t.Fatal(err)
	}
}

func gauge(t *testing.T, b *bus.Bus) *bus.Gauge {
	t.Helper()
	g, err := b.Gauge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// wantLoad reads until the load is as wanted, but for the streams' fill and its age, which it returns.
func wantLoad(t *testing.T, g *bus.Gauge, layer layers.Name, want bus.Load) time.Duration {
	t.Helper()
	var load bus.Load
	for range 100 {
		var err error
		if load, err = g.Read(t.Context(), layer); err != nil {
			t.Fatal(err)
		}
		age := load.Oldest
		if load.Oldest, load.Fill = 0, 0; load == want {
			return age
		}
		time.Sleep(20 * time.Millisecond) // Acknowledgements are on their way.
	}
	t.Fatalf("%+v, want %+v", load, want)
	return 0
}

// TestGaugeCountsSignalsOfAllPartitions: packs of different sizes, read, taken and settled.
func TestGaugeCountsSignalsOfAllPartitions(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 4
	b, _ := provisioned(t, topology)
	g := gauge(t, b)
	if age := wantLoad(t, g, layers.NameL3, bus.Load{}); age != 0 {
		t.Errorf("nothing is %s old", age)
	}
	publishPack(t, b, 1, 100)
	published := time.Now()
	publishPack(t, b, 1, 20)
	publishPack(t, b, 3, 3)
	time.Sleep(50 * time.Millisecond) // The signals get older than nothing.
	age := wantLoad(t, g, layers.NameL3, bus.Load{Waiting: 123, Arrived: 123, Busy: 2})
	if least := time.Since(published) - 40*time.Millisecond; age < 50*time.Millisecond || age < least/2 {
		t.Errorf("the oldest is %s old, it was stored %s ago", age, time.Since(published))
	}
	source, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL3, Partition: 1, Partitions: 4}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var burst []pipeline.Delivery
	for len(burst) < 2 {
		more, err := source.Next(t.Context(), time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		burst = append(burst, more...)
	}
	wantLoad(t, g, layers.NameL3, bus.Load{Waiting: 3, Working: 120, Arrived: 123, Busy: 2})
	if err := source.Settle(burst[:1]); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, g, layers.NameL3, bus.Load{Waiting: 3, Working: 20, Arrived: 123, Finished: 100, Busy: 2})
	if err := source.Settle(burst[1:]); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, g, layers.NameL3, bus.Load{Waiting: 3, Arrived: 123, Finished: 120, Busy: 1})
	if err := source.Settle(burst[1:]); err != nil { // Once more changes nothing.
		t.Fatal(err)
	}
	wantLoad(t, g, layers.NameL3, bus.Load{Waiting: 3, Arrived: 123, Finished: 120, Busy: 1})
}

// TestGaugeKnowsPacksThatNobodySaw: they came and went between two looks.
func TestGaugeKnowsPacksThatNobodySaw(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	g := gauge(t, b)
	wantLoad(t, g, layers.NameL3, bus.Load{})
	source, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for range 10 {
		publishPack(t, b, 0, 50)
		burst, err := source.Next(t.Context(), time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Settle(burst); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, b, 10)
	wantLoad(t, g, layers.NameL3, bus.Load{Arrived: 500, Finished: 500})
}

// settled waits until the server has taken in the acknowledgements.
func settled(t *testing.T, b *bus.Bus, floor uint64) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	until(t, "everything is settled", func() bool {
		consumer, err := js.Consumer(t.Context(), "HAL9_L3", "l3")
		return err == nil && consumer.CachedInfo().AckFloor.Stream == floor
	})
}

// TestGaugeTellsParkedFromWorking: signals of L1 that were delivered before are parked, until they are finished. One that is given back and
// taken by nobody yet is as good as new.
func TestGaugeTellsParkedFromWorking(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	g := gauge(t, b)
	for i := range 40 {
		if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.signals.test", Data: fmt.Appendf(nil, "signal %d", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	wantLoad(t, g, layers.NameL1, bus.Load{Waiting: 40, Arrived: 40, Busy: 1})
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), "HAL9_L1", "l1")
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(n int) (list []jetstream.Msg) {
		t.Helper()
		batch, err := consumer.Fetch(n, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for m := range batch.Messages() {
			list = append(list, m)
		}
		return list
	}
	each := func(list []jetstream.Msg, do func(jetstream.Msg) error) {
		t.Helper()
		for _, m := range list {
			if err := do(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := fetch(21) // The first one holds the ack floor.
	each(first[1:], jetstream.Msg.Nak)
	wantLoad(t, g, layers.NameL1, bus.Load{Waiting: 19, Working: 21, Arrived: 40, Busy: 1})
	again := fetch(20)
	wantLoad(t, g, layers.NameL1, bus.Load{Waiting: 19, Working: 1, Parked: 20, Arrived: 40, Busy: 1})
	each(again, jetstream.Msg.Ack)
	wantLoad(t, g, layers.NameL1, bus.Load{Waiting: 19, Working: 1, Arrived: 40, Finished: 20, Busy: 1})
	fetch(15)
	wantLoad(t, g, layers.NameL1, bus.Load{Waiting: 4, Working: 16, Arrived: 40, Finished: 20, Busy: 1})
}

// TestGaugeFailsWhereSomethingIsMissing: not knowing is neither nothing nor much.
func TestGaugeFailsWhereSomethingIsMissing(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 3
	b, server := provisioned(t, topology)
	g := gauge(t, b)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), "HAL9_L3_01", "l3-01"); err != nil {
		t.Fatal(err)
	}
	_, err = g.Read(t.Context(), layers.NameL3)
	if err == nil || !errors.Is(err, jetstream.ErrConsumerNotFound) || !strings.Contains(err.Error(), "consumer l3-01 on stream HAL9_L3_01 is missing: run `hal9 provision") {
		t.Errorf("a missing consumer: %v", err)
	}
	if err := js.DeleteStream(t.Context(), "HAL9_L4_02"); err != nil {
		t.Fatal(err)
	}
	if _, err = g.Read(t.Context(), layers.NameL4); err == nil {
		t.Error("a missing stream is no error")
	}
	if _, err := g.Read(t.Context(), layers.NameL2); err != nil {
		t.Errorf("another layer: %v", err)
	}
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := g.Read(ctx, layers.NameL2); err == nil {
		t.Error("a server that is gone is no error")
	}
}

// TestGaugeLosesNoCountWherePartitionsCannotBeRead: what the others counted meanwhile counts once all can be read again.
func TestGaugeLosesNoCountWherePartitionsCannotBeRead(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 8
	b, _ := provisioned(t, topology)
	g := gauge(t, b)
	wantLoad(t, g, layers.NameL3, bus.Load{})
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), "HAL9_L3_07", "l3-07"); err != nil {
		t.Fatal(err)
	}
	source, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL3, Partitions: 8}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for range 10 {
		for partition := range 7 {
			publishPack(t, b, partition, 100)
		}
		if _, err := g.Read(t.Context(), layers.NameL3); err == nil {
			t.Fatal("a missing consumer is no error")
		}
		burst, err := source.Next(t.Context(), time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Settle(burst); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, g, layers.NameL3, bus.Load{Waiting: 6000, Arrived: 7000, Finished: 1000, Busy: 6})
}
