package bustest

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/pipeline"
)

const stage = "L3.00"

// testCheckpoint saves states of many sizes, among them more than one message can hold.
func testCheckpoint(t *testing.T, h Harness) {
	t.Helper()
	ctx := t.Context()
	saving := h.Checkpoints(t)
	if cp, err := saving.Load(ctx, stage); err != nil || cp.Revision != 0 {
		t.Fatalf("first load %+v, %v: want nothing", cp, err)
	}
	var revision uint64
	for i, size := range []int{0, 1, 1000, 1 << 20, 9 << 20, 0, 5} {
		want := pipeline.Checkpoint{Offset: uint64(i + 1), State: bytes.Repeat([]byte{byte(i + 1)}, size), Revision: revision}
		var err error
		if revision, err = saving.Save(ctx, stage, want); err != nil {
			t.Fatal(err)
		}
		want.Revision = revision
		got := loaded(t, h.Checkpoints(t))
		if !bytes.Equal(got.State, want.State) || got.Offset != want.Offset || got.Revision != revision {
			t.Fatalf("a checkpoint of %d bytes at %d came back as one of %d bytes at %d", size, want.Offset, len(got.State), got.Offset)
		}
	}
	if cp, err := saving.Load(ctx, "L4.00"); err != nil || cp.Revision != 0 {
		t.Errorf("another stage has checkpoint %+v (%v)", cp, err)
	}
}

func testFencing(t *testing.T, h Harness) {
	t.Helper()
	ctx := t.Context()
	stale := h.Checkpoints(t)
	if _, err := stale.Load(ctx, stage); err != nil {
		t.Fatal(err)
	}
	revision, err := stale.Save(ctx, stage, pipeline.Checkpoint{Offset: 7, State: []byte("old")})
	if err != nil {
		t.Fatal(err)
	}
	owner := h.Checkpoints(t)
	cp := loaded(t, owner)
	cp.Offset, cp.State = 9, []byte("newer")
	if _, err := owner.Save(ctx, stage, cp); err != nil {
		t.Fatal(err)
	}
	if _, err := stale.Save(ctx, stage, pipeline.Checkpoint{Offset: 8, State: []byte("stale"), Revision: revision}); err == nil {
		t.Fatal("a stale owner saved its checkpoint")
	}
	if cp = loaded(t, owner); cp.Offset != 9 || string(cp.State) != "newer" {
		t.Fatalf("checkpoint is %d %q, want 9 newer", cp.Offset, cp.State)
	}
}

// loaded returns a checkpoint with its state.
func loaded(t *testing.T, c pipeline.Checkpoints) pipeline.Checkpoint {
	t.Helper()
	cp, err := c.Load(t.Context(), stage)
	if err == nil {
		cp.State, err = c.State(t.Context(), stage)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

// testLease has three processes take turns and requires that never two work at once, also for
// longer than a lease lives without being renewed.
func testLease(t *testing.T, h Harness) {
	t.Helper()
	var working, turns atomic.Int64
	done := make(chan error, 3)
	for i := range 3 {
		leases := h.Leases(t)
		go func() {
			done <- leases.Hold(t.Context(), stage, func(ctx context.Context, _ pipeline.Ownership) error {
				if working.Add(1) > 1 {
					return errors.New("two processes held one lease")
				}
				defer working.Add(-1)
				turns.Add(1)
				hold := 10 * time.Millisecond
				if i == 0 {
					hold = h.LeaseTime + h.LeaseTime/5
				}
				select {
				case <-time.After(hold):
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				return nil
			})
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if turns.Load() != 3 {
		t.Errorf("%d processes had a turn, want 3", turns.Load())
	}
}

func testLeaseContext(t *testing.T, h Harness) {
	t.Helper()
	holding := make(chan struct{})
	release := make(chan struct{})
	held := make(chan error, 1)
	first := h.Leases(t)
	go func() {
		held <- first.Hold(t.Context(), stage, func(context.Context, pipeline.Ownership) error {
			close(holding)
			<-release
			return nil
		})
	}()
	<-holding
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := h.Leases(t).Hold(ctx, stage, func(context.Context, pipeline.Ownership) error { return errors.New("two processes held one lease") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ended with %v, want the end of its context", err)
	}
	close(release)
	if err := <-held; err != nil {
		t.Error(err)
	}
}
