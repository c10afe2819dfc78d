package peers

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// hal9 is HAL9's own pipeline: five real stages with the ingest decoder, the metrics, the leases and
// the checkpoints of the product, on layers that do nothing but hand up.
func hal9() peer {
	return peer{name: "HAL9", version: "this checkout", promise: "exactly one verdict per id", once: true, start: startHAL9}
}

// relay hands every signal up; at the top it answers.
type relay struct{ layer layers.Name }

func (r relay) Decide(context.Context, *layers.Envelope) (layers.Decision, error) {
	if _, above := r.layer.Next(); above {
		return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "handed up"}, nil
	}
	return layers.Decision{Disposition: layers.DispositionResolved, Reason: "arrived"}, nil
}

// entrance decodes what enters L1, as the product does.
type entrance struct{ decoder *ingest.Decoder }

func (e entrance) Decode(d *pipeline.Delivery) (*layers.Envelope, error) {
	item, err := e.decoder.Message(ingest.Message{Subject: d.Subject, Header: d.Header, Data: d.Data, Seq: d.Seq, Stored: d.Stored})
	if err != nil {
		return nil, layers.Permanent(err)
	}
	s := item.Signal
	return &layers.Envelope{
		Signal: s, Origin: d.Seq, ReceivedAt: d.Stored, TraceParent: pipeline.TraceParentOf(s.Source, s.ID),
	}, nil
}

func (entrance) Name(d *pipeline.Delivery) (source, id string) { return d.Stream, d.Stored.String() }

func startHAL9(t *testing.T, server *natstest.Server) job {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := bus.Connect(bus.DefaultConfig(), log, server.InProcess())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	topology := bus.DefaultTopology()
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	deps := pipeline.Deps{Broker: b, Observer: telemetry.New(), Log: log, Now: time.Now}
	if deps.Checkpoints, err = b.Checkpoints(t.Context()); err != nil {
		t.Fatal(err)
	}
	if deps.Leases, err = b.Leases(t.Context(), "peers"); err != nil {
		t.Fatal(err)
	}
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers.Names() {
		spec := pipeline.Spec{
			Key:      pipeline.StageKey{Layer: layer, Partitions: topology.Partitions},
			NewLayer: func() (layers.Layer, error) { return relay{layer}, nil },
			Decoder:  pipeline.Envelopes{},
		}
		if layer == layers.NameL1 {
			spec.Decoder = entrance{decoder}
		}
		runStage(t, spec, deps)
	}
	return job{
		entry: pipeline.SubjectSignals + ".peers", exit: pipeline.StreamVerdicts,
		idOf: func(data []byte) string { return textField(data, "signal_id") },
	}
}

// runStage runs a stage until the test ends, and returns once it works.
func runStage(t *testing.T, spec pipeline.Spec, deps pipeline.Deps) {
	t.Helper()
	runner, err := pipeline.NewRunner(spec, pipeline.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	running.Go(func() {
		if err := runner.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); !runner.Working(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			text, _ := runner.State()
			t.Fatalf("%s does not work: %s", spec.Key.Name(), text)
		}
	}
}
