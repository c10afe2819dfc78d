package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// keptForLedger is how many settled messages Trim leaves for the ledger of the stage below.
const keptForLedger = 100_000

// Trim makes room in a stage's stream once it is half full: it removes messages that are
// settled up to offset. The last ones stay for the ledger unless the stream is nearly full.
func (b *Bus) Trim(ctx context.Context, key pipeline.StageKey, offset uint64) error {
	stream, err := b.stream(ctx, key.Stream())
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	most := info.Config.MaxBytes
	if most <= 0 || info.State.Bytes < uint64(most)/2 {
		return nil
	}
	upTo := offset + 1
	if info.State.Bytes < uint64(most)/10*9 {
		upTo -= min(upTo, keptForLedger)
	}
	if upTo <= info.State.FirstSeq {
		return nil
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(upTo)); err != nil {
		return fmt.Errorf("bus: trim %s: %w", key.Stream(), err)
	}
	return nil
}

// Settled returns up to which sequence a stage's messages need no further delivery.
func (b *Bus) Settled(ctx context.Context, key pipeline.StageKey, cps *Checkpoints) (uint64, error) {
	if !key.Shared() {
		return cps.offset(ctx, key.Name())
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	consumer, err := b.js.Consumer(ctx, key.Stream(), key.Durable())
	if err != nil {
		return 0, b.openError(key, err)
	}
	floor := consumer.CachedInfo().AckFloor.Stream
	holds, err := cps.scoutHolds(ctx)
	if holds > 0 {
		floor = min(floor, holds-1)
	}
	return floor, err
}
