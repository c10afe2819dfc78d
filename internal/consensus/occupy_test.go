package consensus_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// occupy holds voters from one number to another without ever voting, as processes do that hang.
func occupy(t *testing.T, leases *bus.Leases, from, to int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all, held sync.WaitGroup
	for voter := from; voter <= to; voter++ {
		held.Add(1)
		var once sync.Once
		all.Go(func() {
			_ = leases.Hold(ctx, pipeline.VoterStage(voter), func(ctx context.Context, _ pipeline.Ownership) error {
				once.Do(held.Done)
				<-t.Context().Done() // It does not give it back when asked.
				return nil
			})
		})
	}
	t.Cleanup(func() { cancel(); all.Wait() })
	done := make(chan struct{})
	go func() { held.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the voters could not be held")
	}
}
