package pipeline

import (
	"context"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// finder is an L2 that finds out what signals are about.
type finder struct{ upLayer }

func (l finder) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	e.Findings.Key = "found"
	return l.upLayer.Decide(ctx, e)
}

// TestKeyThatL2FindsIsTheSignals wants the partition, the envelope and the verdict to have it.
func TestKeyThatL2FindsIsTheSignals(t *testing.T) {
	key := StageKey{Layer: layers.NameL2, Partition: 1, Partitions: 7}
	f := newFakes(t, key)
	f.worker = &layerWorker{key: key, cfg: f.cfg, deps: f.deps, layer: finder{}, decoder: Envelopes{}}
	up := &layers.Envelope{Signal: layers.Signal{ID: "1", Source: "s", Key: "s", Text: "up"}}
	down := &layers.Envelope{Signal: layers.Signal{ID: "2", Source: "s", Key: "s", Text: "down"}}
	data, err := NewPack(up, down)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.take(t.Context(), &Delivery{Seq: 1, Subject: "hal9.l2.1", Data: data}); err != nil {
		t.Fatal(err)
	}
	records := f.out.records()
	if len(records) != 2 || records[0].Subject != SubjectOf(layers.NameL3, PartitionOf("found", 7)) {
		t.Fatalf("records %+v: want a pack to the partition of the key found and a verdict", records)
	}
	e, err := Envelopes{}.Decode(&Delivery{Data: records[0].Data})
	if err != nil || e.Key != "found" || e.Findings.Key != "" || e.Text != "up" {
		t.Errorf("envelope %+v, error %v: want the key found", e, err)
	}
	if v := decoded(t, records[1].Data); v.Key != "found" {
		t.Errorf("verdict about %q: want the key found", v.Key)
	}
}
