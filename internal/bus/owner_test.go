package bus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestCheckpointsFenceOutStaleOwners(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	old, err := b.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	empty, err := old.Load(ctx, "L3.00")
	if err != nil || empty.Revision != 0 {
		t.Fatalf("first load %+v, %v: want nothing", empty, err)
	}
	large := []byte(strings.Repeat("state ", 1<<20)) // more than one message can hold
	revision, err := old.Save(ctx, "L3.00", pipeline.Checkpoint{Offset: 7, State: large})
	if err != nil {
		t.Fatal(err)
	}
	next, err := b.Checkpoints(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got, err := next.Load(ctx, "L3.00")
	if diff := cmp.Diff(pipeline.Checkpoint{Offset: 7, State: large, Revision: revision}, got); err != nil || diff != "" {
		t.Fatalf("loaded checkpoint differs, %v:\n%s", err, diff)
	}
	got.Offset, got.State = 9, []byte("newer")
	if _, err := next.Save(ctx, "L3.00", got); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Save(ctx, "L3.00", pipeline.Checkpoint{Offset: 8, State: []byte("stale"), Revision: revision}); err == nil {
		t.Fatal("a stale owner saved its checkpoint")
	}
	got, err = next.Load(ctx, "L3.00")
	if err != nil || got.Offset != 9 || string(got.State) != "newer" {
		t.Fatalf("checkpoint is %d %q (%v), want 9 newer", got.Offset, got.State, err)
	}
}

func TestLeaseHasOneHolder(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	first, err := b.Leases(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	second, err := connect(t, server).Leases(t.Context(), "second")
	if err != nil {
		t.Fatal(err)
	}
	holding, release, taken := make(chan struct{}), make(chan struct{}), make(chan struct{})
	done := make(chan error, 2)
	go func() {
		done <- first.Hold(t.Context(), "L4.00", func(context.Context) error {
			close(holding)
			<-release
			return nil
		})
	}()
	<-holding
	go func() {
		done <- second.Hold(t.Context(), "L4.00", func(context.Context) error {
			close(taken)
			return nil
		})
	}()
	select {
	case <-taken:
		t.Fatal("two processes held one lease")
	case <-time.After(bus.LeaseTime + time.Second): // longer than a lease lives without renewal
	}
	close(release)
	<-taken
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
