package peers

import (
	"context"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// bareLoop is what a good engineer writes by hand: each stage takes what has arrived, publishes all
// of it at once, waits for the answers and acknowledges the batch with its last message.
func bareLoop(t *testing.T) peer {
	t.Helper()
	return peer{
		name: "bare nats.go loop", version: version(t, "github.com/nats-io/nats.go"),
		promise: "at least once", start: startBare,
	}
}

func startBare(t *testing.T, server *natstest.Server) job {
	t.Helper()
	work := plainJob(t, server)
	ctx := t.Context()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	for i := range stages {
		incoming, js := openStage(t, dial(t, server), i, nats.AckAll()), open(t, server)
		running.Go(func() {
			if err := hop(ctx, incoming, js, topic(i+1)); err != nil && ctx.Err() == nil {
				t.Errorf("stage %d: %v", i+1, err)
			}
		})
	}
	return work
}

func hop(ctx context.Context, incoming <-chan *nats.Msg, js jetstream.JetStream, to string) error {
	var batch []*nats.Msg
	for {
		select {
		case msg := <-incoming:
			batch = more(append(batch[:0], msg), incoming, inFlight/2)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := forward(ctx, js, to, batch); err != nil {
			return err
		}
		if err := batch[len(batch)-1].Ack(); err != nil {
			return err
		}
	}
}

// forward stores what a batch holds: all is sent, then all answers are awaited.
func forward(ctx context.Context, js jetstream.JetStream, to string, batch []*nats.Msg) error {
	futures := make([]jetstream.PubAckFuture, len(batch))
	for i, msg := range batch {
		var err error
		if futures[i], err = js.PublishAsync(to, msg.Data); err != nil {
			return err
		}
	}
	for _, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
