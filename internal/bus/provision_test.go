package bus_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestProvisionTwiceChangesNothing(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 3
	topology.Sinks = []bus.Durable{{Stream: pipeline.StreamPlans, Name: "sink-oncall"}}
	b, _ := provisioned(t, topology)
	plan, err := b.Plan(t.Context(), topology)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) < 20 {
		t.Errorf("the plan has %d resources, want all streams, consumers and buckets", len(plan))
	}
	for _, change := range plan {
		if change.Kind != bus.ChangeNone {
			t.Errorf("%s %s %v, want nothing to do", change.Kind, change.Resource, change.Diffs)
		}
	}
}

func TestProvisionShowsAndMendsDrift(t *testing.T) {
	small := bus.DefaultTopology()
	small.StoreBytes = 1 << 30
	b, _ := provisioned(t, small)
	larger := small
	larger.StoreBytes *= 2
	plan, err := b.Plan(t.Context(), larger)
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range []string{"stream HAL9_L1", "object store hal9_snapshots"} {
		at := slices.IndexFunc(plan, func(c bus.Change) bool { return c.Resource == resource })
		if at < 0 || plan[at].Kind != bus.ChangeUpdate || !strings.Contains(strings.Join(plan[at].Diffs, ";"), "bytes: ") {
			t.Fatalf("plan for %s is %+v, want an update of its bytes", resource, plan[max(0, at)])
		}
	}
	if err := b.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	// Back to the smaller bound: what an operator made larger stays.
	plan, err = b.Plan(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range plan {
		if change.Kind != bus.ChangeNone {
			t.Errorf("%s %s %v, want nothing to do", change.Kind, change.Resource, change.Diffs)
		}
	}
}

// TestProvisionLeavesWhatAnOperatorSetBeside has an operator change what is HAL9's and what is not, in one bucket, one stream and
// the store of snapshots.
func TestProvisionLeavesWhatAnOperatorSetBeside(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"KV_hal9_tuning", "HAL9_L3", "OBJ_hal9_snapshots", "KV_hal9_leases"}
	bounds := map[string]int64{names[3]: -1}
	for _, name := range names {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		cfg := stream.CachedInfo().Config
		if bounds[name] == 0 {
			bounds[name] = cfg.MaxBytes + 1<<20
		}
		cfg.Description, cfg.MaxBytes = "ours", bounds[name]
		switch name {
		case names[0]:
			cfg.MaxMsgsPerSubject = 2
		case names[1]:
			cfg.Duplicates = time.Second
		}
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := b.Plan(t.Context(), bus.DefaultTopology())
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, change := range plan {
		if change.Kind != bus.ChangeNone {
			changes = append(changes, fmt.Sprint(change.Resource, change.Diffs))
		}
	}
	if want := []string{"stream HAL9_L3[duplicate window: 1s → 10s]", "bucket hal9_tuning[history: 2 → 10]"}; !slices.Equal(changes, want) {
		t.Errorf("the plan is %q, want %q", changes, want)
	}
	if err := b.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if cfg := stream.CachedInfo().Config; cfg.Description != "ours" || cfg.MaxBytes != bounds[name] {
			t.Errorf("%s: description %q and %d bytes, want what the operator set: %d", name, cfg.Description, cfg.MaxBytes, bounds[name])
		}
	}
}

func TestProvisionKeepsPartitionsForLife(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	other := bus.DefaultTopology()
	other.Partitions = 4
	_, err := b.Plan(t.Context(), other)
	if err == nil || !strings.Contains(err.Error(), "--partitions 1") {
		t.Fatalf("error %v, want one that names the present number", err)
	}
}
