package consensus_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestCouncilWaitsForItsConsumer starts where NATS does not have the consumer of plans yet.
func TestCouncilWaitsForItsConsumer(t *testing.T) {
	r := newRig(t, 1)
	js, err := jetstream.New(r.bus.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), pipeline.StreamPlans, pipeline.DurablePlans); err != nil {
		t.Fatal(err)
	}
	never := r.begin("never")
	never.stop() // It can be stopped while it waits.
	if text, ok := never.council.State(); ok || text != "ended: restart the process" {
		t.Errorf("a council that ended says %q, %t", text, ok)
	}
	m := r.begin("one")
	if text, ok := m.council.State(); ok || text != "waits for its consumer on NATS" {
		t.Errorf("a council that waits says %q, %t", text, ok)
	}
	if err := r.bus.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	r.propose(1)
	r.await(layers.PlanExecuted, 1)
	if text, ok := m.council.State(); !ok {
		t.Errorf("a council that works says %q", text)
	}
}
