package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// deliveredKey is where it stands, in the bucket of checkpoints, up to which message the consumer of L1 had delivered when
// somebody had it begin anew. The consumer itself has forgotten it by then.
const deliveredKey = "delivered"

// takeBackOrphans has messages delivered again at once that a process took and died with, instead of after the
// ack wait. It does so only where no other process of the layer lives: what that has in its hands is no orphan, and
// would come to somebody else as if nobody had ever had it. It returns up to which message somebody may have been at work.
func (b *Bus) takeBackOrphans(ctx context.Context, key pipeline.StageKey, info *jetstream.ConsumerInfo) (delivered uint64, err error) {
	orphans := info.NumWaiting == 0 && info.NumAckPending > 0
	if orphans {
		others, err := b.othersOf(ctx, key.Layer)
		if err != nil {
			return 0, err
		}
		orphans = others == 0
	}
	// It is read after info: whoever has the consumer begin anew notes this first.
	delivered, err = b.noteDelivered(ctx, info.Delivered.Stream, orphans)
	if err != nil || !orphans {
		return delivered, err
	}
	// Somebody may have come meanwhile.
	now, err := b.js.Consumer(ctx, key.Stream(), key.Durable())
	if err != nil {
		return 0, err
	}
	others, err := b.othersOf(ctx, key.Layer)
	if err != nil || others > 0 || now.CachedInfo().NumWaiting > 0 || now.CachedInfo().Delivered.Consumer != info.Delivered.Consumer {
		return max(delivered, now.CachedInfo().Delivered.Stream), err
	}
	_, err = b.js.ResetConsumer(ctx, key.Stream(), key.Durable())
	return delivered, err
}

// noteDelivered returns the later of a message and the one that is noted, and notes it where it must.
func (b *Bus) noteDelivered(ctx context.Context, delivered uint64, must bool) (uint64, error) {
	keys, err := b.bucket(ctx, pipeline.BucketCheckpoints)
	if err != nil {
		return 0, err
	}
	for {
		noted, revision := uint64(0), uint64(0)
		entry, err := b.checkpointed(ctx, deliveredKey)
		if err != nil {
			return 0, fmt.Errorf("bus: what L1 was given: %w", err)
		}
		if entry != nil {
			if noted, err = strconv.ParseUint(string(entry.Data), 10, 64); err != nil {
				return 0, fmt.Errorf("bus: what L1 was given is not readable: %w", err)
			}
			revision = entry.Seq
		}
		if noted >= delivered || !must {
			return max(noted, delivered), nil
		}
		_, err = keys.Update(ctx, deliveredKey, strconv.AppendUint(nil, delivered, 10), revision)
		switch {
		case errors.Is(err, jetstream.ErrKeyExists): // Somebody else was faster.
		case err != nil:
			return 0, fmt.Errorf("bus: what L1 was given: %w", err)
		default:
			return delivered, nil
		}
	}
}
