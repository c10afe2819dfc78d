package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// aloneKey names, in the bucket of checkpoints, the server in whose process all layers run.
const aloneKey = "alone"

// Alone forgets all leases and sessions and has this process own every stage from now on, without a session:
// one that starves for a while under overload must not lose what nobody else could take. Processes that come
// later are refused as long as this server runs.
func (l *Leases) Alone(ctx context.Context) error {
	if err := l.Clear(ctx); err != nil {
		return err
	}
	keys, err := l.bus.bucket(ctx, pipeline.BucketCheckpoints)
	if err != nil {
		return err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	if _, err := keys.Put(ctx, aloneKey, []byte(l.bus.nc.ConnectedServerId())); err != nil {
		return fmt.Errorf("bus: own all stages: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.solo = true
	return nil
}

// refuseBesideAlone says that another process owns all stages.
func (b *Bus) refuseBesideAlone(ctx context.Context) error {
	keys, err := b.bucket(ctx, pipeline.BucketCheckpoints)
	if err != nil {
		return err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := keys.Get(ctx, aloneKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bus: leases: %w", err)
	}
	if string(entry.Value()) != b.nc.ConnectedServerId() {
		return nil // That process has ended, and its server with it.
	}
	return fmt.Errorf("bus: the NATS at %s is that of a running `hal9 up`, which runs all layers itself: "+
		"run single layers on a NATS server of their own", b.URL())
}

// always is the ownership of a process that is alone.
type always struct{}

func (always) Valid() bool { return true }

func (always) Epoch() uint64 { return 1 }

// holdAlone is Hold where nobody else is.
func (l *Leases) holdAlone(
	ctx context.Context, stage string, work func(context.Context, pipeline.Ownership) error,
) error {
	h := &hold{stage: stage, layer: layerOf(stage), place: placeWorking}
	l.mu.Lock()
	l.holds[stage] = h
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.holds, stage)
	}()
	return work(ctx, always{})
}

func (l *Leases) isSolo() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.solo
}
