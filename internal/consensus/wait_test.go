package consensus_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/consensus"
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

// TestActionIsNotSentLongAfterItsClaim has a process stand still between the claim of an action and its request.
func TestActionIsNotSentLongAfterItsClaim(t *testing.T) {
	r := newRig(t, 1)
	register, err := r.bus.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.start("one", func(_ *consensus.Config, deps *consensus.Deps) {
		deps.Now = func() time.Time {
			var claim layers.ActionResult
			entry, ok, err := register.Get(context.WithoutCancel(t.Context()), "plan-0001.action.1")
			if err == nil && ok && json.Unmarshal(entry.Value, &claim) == nil && claim.State == "begun" && claim.Attempts == 1 {
				return time.Now().Add(9 * time.Second)
			}
			return time.Now()
		}
	})
	r.propose(1)
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	if got := list[len(list)-1].Results[0]; got.State != layers.ActionDone || got.Attempts != 2 || r.target.counts()["plan-0001.1"] != 1 {
		t.Errorf("the result is %+v after %v posts: want the first attempt not sent, and the second", got, r.target.counts())
	}
}
