package bus_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestGaugeCountsSignalsNotMessages fills the stream of L3 with packs of different sizes.
func TestGaugeCountsSignalsNotMessages(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	g := gauge(t, b)
	key := pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}
	var want uint64
	for size := range 40 {
		var list []*layers.Envelope
		for i := range size + 1 {
			list = append(list, &layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint(size, "-", i), Source: "test", Key: "k"}})
		}
		data, err := pipeline.NewPack(list...)
		if err != nil {
			t.Fatal(err)
		}
		record := pipeline.Record{Subject: "hal9.l3.0", Data: data, Header: map[string]string{pipeline.HeaderSignals: strconv.Itoa(size + 1)}}
		switch size {
		case 7:
			record.Header = map[string]string{pipeline.HeaderKind: pipeline.KindTick}
		case 9:
			record.Header = map[string]string{pipeline.HeaderKind: pipeline.KindNote}
		default:
			want += uint64(size) + 1
		}
		if err := b.Publish(t.Context(), []pipeline.Record{record}); err != nil {
			t.Fatal(err)
		}
	}
	wantQueue(t, g, want, 0)
	source, _, err := b.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	burst, err := source.Next(t.Context(), time.Second, 0)
	for err == nil && len(burst) < 40 {
		var more []pipeline.Delivery
		more, err = source.Next(t.Context(), time.Second, 0)
		burst = append(burst, more...)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantQueue(t, g, 0, want)
	if err := source.Settle(burst[:5]); err != nil {
		t.Fatal(err)
	}
	wantQueue(t, g, 0, want-1-2-3-4-5)
}

func wantQueue(t *testing.T, g *bus.Gauge, waiting, working uint64) {
	t.Helper()
	var load bus.Load
	for range 100 {
		var err error
		if load, err = g.Read(t.Context(), layers.NameL3); err != nil {
			t.Fatal(err)
		}
		if load.Waiting == waiting && load.Working == working {
			return
		}
		time.Sleep(20 * time.Millisecond) // Acknowledgements are on their way.
	}
	t.Fatalf("%d signals wait and %d are worked on, want %d and %d", load.Waiting, load.Working, waiting, working)
}
