package bus_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestRoll(t *testing.T) {
	server := natstest.Start(t)
	b := connect(t, server)
	if answers, err := b.CallRoll(t.Context(), 5*time.Second); err != nil || len(answers) != 0 {
		t.Fatalf("nobody is there: %v, %v", answers, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for _, name := range []string{"one", "two", "three"} {
		other := connect(t, server)
		wait.Go(func() {
			if err := other.AnswerRoll(ctx, func() []byte { return []byte(name) }); err != nil {
				t.Error(err)
			}
		})
	}
	var names []string
	for deadline := time.Now().Add(10 * time.Second); len(names) < 3 && time.Now().Before(deadline); {
		answers, err := b.CallRoll(t.Context(), 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		names = nil
		for _, answer := range answers {
			names = append(names, string(answer.Data))
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"one", "three", "two"}) {
		t.Errorf("answered: %v", names)
	}
	stop()
	wait.Wait()
}

// TestCensus sees who takes part and what each owns, as long as it lives.
func TestCensus(t *testing.T) {
	topology := bus.DefaultTopology()
	topology.Partitions = 2
	b, server := provisioned(t, topology)
	other := connect(t, server)
	leases, err := other.Leases(t.Context(), "host/7/abc", layers.NameL3)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for _, key := range pipeline.StagesOf(layers.NameL3, 2) {
		wait.Go(func() {
			_ = leases.Hold(ctx, key.Name(), func(ctx context.Context, _ pipeline.Ownership) error {
				<-ctx.Done()
				return nil
			})
		})
	}
	var census bus.Census
	for deadline := time.Now().Add(20 * time.Second); len(census.Owners) < 2 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if census, err = b.Census(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if census.Owners["L3.00"] != "host/7/abc" || census.Owners["L3.01"] != "host/7/abc" {
		t.Errorf("%+v", census)
	}
	if len(census.Members) != 1 || !slices.Equal(census.Members[0].Layers, []string{"L3"}) {
		t.Errorf("members: %+v", census.Members)
	}
	other.Close() // A crash: its leases stay, its session does not.
	until(t, "the dead own nothing", func() bool {
		census, err = b.Census(t.Context())
		return err == nil && len(census.Members)+len(census.Owners) == 0
	})
	stop()
	wait.Wait()
}
