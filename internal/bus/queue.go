package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Queue is what a layer still has to do, summed over its partitions.
type Queue struct {
	Waiting uint64        // signals not taken yet
	Working uint64        // signals taken and not settled
	Oldest  time.Duration // age of the oldest unsettled signal; 0 where there is none
	Fill    float64       // of the fullest stream in which a signal waits: bytes by its bound; 0 where none waits
}

// Depth returns all unsettled signals.
func (q Queue) Depth() uint64 { return q.Waiting + q.Working }

// Queue asks JetStream for a layer's queue.
func (b *Bus) Queue(ctx context.Context, layer layers.Name, partitions int) (Queue, error) {
	var sum Queue
	for _, key := range pipeline.StagesOf(layer, partitions) {
		q, err := b.queueOf(ctx, key)
		if err != nil {
			return Queue{}, fmt.Errorf("bus: queue of %s: %w", key.Name(), err)
		}
		sum.Waiting += q.Waiting
		sum.Working += q.Working
		sum.Oldest, sum.Fill = max(sum.Oldest, q.Oldest), max(sum.Fill, q.Fill)
	}
	return sum, nil
}

func (b *Bus) queueOf(ctx context.Context, key pipeline.StageKey) (Queue, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	consumer, err := b.js.Consumer(ctx, key.Stream(), key.Durable())
	if err != nil {
		return Queue{}, err
	}
	info := consumer.CachedInfo()
	q := Queue{Waiting: info.NumPending, Working: uint64(max(0, info.NumAckPending))}
	if q.Depth() == 0 {
		return q, nil
	}
	if key.Layer != layers.NameL1 {
		if q.Waiting, q.Working, err = b.count(ctx, key, info); err != nil {
			return Queue{}, err
		}
	}
	stream, err := b.js.Stream(ctx, key.Stream())
	if err != nil {
		return Queue{}, err
	}
	if of := stream.CachedInfo(); of.Config.MaxBytes > 0 {
		q.Fill = float64(of.State.Bytes) / float64(of.Config.MaxBytes)
	}
	first := max(info.AckFloor.Stream+1, stream.CachedInfo().State.FirstSeq)
	oldest, err := stream.GetMsg(ctx, first, jetstream.WithGetMsgSubject(subjectFilter(key)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return q, nil
	}
	if err != nil {
		return Queue{}, err
	}
	q.Oldest = max(0, time.Since(oldest.Time))
	return q, nil
}

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

// Queues asks for all layers side by side; those that can't be measured are left out.
func (b *Bus) Queues(ctx context.Context, partitions int) map[layers.Name]Queue {
	var mu sync.Mutex
	var wait sync.WaitGroup
	queues := map[layers.Name]Queue{}
	for _, layer := range layers.Names() {
		wait.Go(func() {
			queue, err := b.Queue(ctx, layer, partitions)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			queues[layer] = queue
		})
	}
	wait.Wait()
	return queues
}
