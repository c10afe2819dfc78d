package consensus_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// occupy asks for all voters, keeps those that it gets and never votes, as processes do that hang. It returns once it
// has as many as it should.
func occupy(t *testing.T, leases *bus.Leases, least int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	var held atomic.Int32
	for voter := 1; voter <= 5; voter++ {
		all.Go(func() {
			_ = leases.Hold(ctx, pipeline.VoterStage(voter), func(context.Context, pipeline.Ownership) error {
				held.Add(1)
				<-ctx.Done() // It does not give it back when asked.
				return nil
			})
		})
	}
	t.Cleanup(func() { cancel(); all.Wait() })
	eventually(t, "the voters are held", func() bool { return int(held.Load()) >= least })
}

// digest names the content of a proposal as votes do.
func digest(proposal []byte) string {
	sum := sha256.Sum256(proposal)
	return hex.EncodeToString(sum[:8])
}
