package bus_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// requests counts what is asked of JetStream from now on, by kind, such as CONSUMER.INFO.
func requests(t *testing.T, server *natstest.Server) (since func() map[string]int) {
	t.Helper()
	nc, err := nats.Connect(server.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	var mu sync.Mutex
	kinds := map[string]int{}
	_, err = nc.Subscribe("$JS.API.>", func(m *nats.Msg) {
		parts := strings.Split(m.Subject, ".")
		mu.Lock()
		defer mu.Unlock()
		kinds[parts[2]+"."+parts[3]]++
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() map[string]int {
		time.Sleep(200 * time.Millisecond) // The last ones are on their way.
		mu.Lock()
		defer mu.Unlock()
		seen := maps.Clone(kinds)
		clear(kinds)
		return seen
	}
}

// TestGaugeAsksLittle: one request for each partition, and four more for those in which packs came.
func TestGaugeAsksLittle(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 6
	b, server := provisioned(t, topology)
	g := gauge(t, b)
	since := requests(t, server)
	look := func(layer layers.Name, want map[string]int) {
		t.Helper()
		since()
		if _, err := g.Read(t.Context(), layer); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, since()); diff != "" {
			t.Errorf("%s: %s", layer, diff)
		}
	}
	look(layers.NameL3, map[string]int{"CONSUMER.INFO": 6})
	publishPack(t, b, 2, 10)
	publishPack(t, b, 4, 10)
	look(layers.NameL3, map[string]int{"CONSUMER.INFO": 6, "STREAM.INFO": 2, "CONSUMER.CREATE": 2, "CONSUMER.MSG": 2, "CONSUMER.DELETE": 2})
	look(layers.NameL3, map[string]int{"CONSUMER.INFO": 6})
	look(layers.NameL1, map[string]int{"CONSUMER.INFO": 1})
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.signals.test", Data: []byte("signal")}}); err != nil {
		t.Fatal(err)
	}
	look(layers.NameL1, map[string]int{"CONSUMER.INFO": 1, "STREAM.INFO": 1, "STREAM.MSG": 1})
}

// TestCheckLayerAsksForConsumersAlone: what waits in them is not read, and only a missing one is a reason to provision.
func TestCheckLayerAsksForConsumersAlone(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 3
	b, server := provisioned(t, topology)
	publishPack(t, b, 1, 10)
	since := requests(t, server)
	if err := b.CheckLayer(t.Context(), layers.NameL3, 3); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]int{"CONSUMER.INFO": 3}, since()); diff != "" {
		t.Error(diff)
	}
	if err := b.CheckLayer(t.Context(), layers.NameL3, 4); err == nil || !strings.Contains(err.Error(), "run `hal9 provision") {
		t.Errorf("a missing consumer: %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := b.CheckLayer(late, layers.NameL3, 3); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "provision") {
		t.Errorf("no answer: %v", err)
	}
}

// TestFillLeavesOutWhatIsSettled: Trim keeps that until there is need for room, and nobody is to be woken for it. Where it is there although
// the room is gone, it counts.
func TestFillLeavesOutWhatIsSettled(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.StoreBytes = 64 << 20
	b, _ := provisioned(t, topology)
	g := gauge(t, b)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	source, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	// grow stores messages until the stream is so full.
	grow := func(to float64) {
		t.Helper()
		for {
			stream, err := js.Stream(t.Context(), "HAL9_L3")
			if err != nil {
				t.Fatal(err)
			}
			if info := stream.CachedInfo(); float64(info.State.Bytes) >= to*float64(info.Config.MaxBytes) {
				return
			}
			record := pipeline.Record{Subject: "hal9.l3.0", Data: make([]byte, 32<<10), Header: map[string]string{pipeline.HeaderSignals: "1"}}
			if err := b.Publish(t.Context(), []pipeline.Record{record}); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantFill := func(least, most float64) {
		t.Helper()
		var load bus.Load
		for range 100 {
			if load, err = g.Read(t.Context(), layers.NameL3); err != nil {
				t.Fatal(err)
			}
			if load.Fill >= least && load.Fill <= most {
				return
			}
			time.Sleep(20 * time.Millisecond) // Acknowledgements are on their way.
		}
		t.Fatalf("%+v, want a fill of %g to %g", load, least, most)
	}
	grow(.85)
	wantFill(.84, .9)
	for waiting := waitsIn(t, g); waiting > 0; {
		burst, err := source.Next(t.Context(), time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Settle(burst); err != nil {
			t.Fatal(err)
		}
		waiting -= uint64(len(burst))
	}
	wantFill(0, 0)
	grow(.9)
	wantFill(.04, .1)
	grow(.96)
	wantFill(.95, 1)
}

func waitsIn(t *testing.T, g *bus.Gauge) uint64 {
	t.Helper()
	load, err := g.Read(t.Context(), layers.NameL3)
	if err != nil {
		t.Fatal(err)
	}
	return load.Depth()
}
