package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// LeaseTime is how long a partition stays with a process that is not heard of any more.
const LeaseTime = 5 * time.Second

// Leases makes one process the owner of a stage. A lease is a key in a bucket whose keys expire
// after LeaseTime; its owner renews it by compare-and-set. It implements pipeline.Leases.
type Leases struct {
	keys  jetstream.KeyValue
	owner string
	log   *slog.Logger
}

// Leases opens the bucket. owner names this process to people who look.
func (b *Bus) Leases(ctx context.Context, owner string) (*Leases, error) {
	keys, err := b.bucket(ctx, pipeline.BucketLeases)
	if err != nil {
		return nil, err
	}
	return &Leases{keys: keys, owner: owner, log: b.log}, nil
}

// Clear forgets all leases: for a process that knows to be the only one.
func (l *Leases) Clear(ctx context.Context) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	keys, err := l.keys.ListKeys(ctx)
	if err != nil {
		return fmt.Errorf("bus: list leases: %w", err)
	}
	for key := range keys.Keys() {
		if err := l.keys.Purge(ctx, key); err != nil {
			return fmt.Errorf("bus: clear lease %s: %w", key, err)
		}
	}
	return nil
}

// Hold implements pipeline.Leases.
func (l *Leases) Hold(ctx context.Context, stage string, work func(ctx context.Context) error) error {
	revision, err := l.acquire(ctx, stage)
	if err != nil {
		return err
	}
	owned, lose := context.WithCancelCause(ctx)
	done := make(chan struct{})
	released := make(chan struct{})
	go func() {
		defer close(released)
		l.renew(owned, stage, revision, lease{lose: lose, done: done})
	}()
	err = work(owned)
	close(done)
	<-released
	lose(nil)
	return err
}

// acquire waits until nobody owns the stage.
func (l *Leases) acquire(ctx context.Context, stage string) (uint64, error) {
	for {
		revision, err := l.create(ctx, stage)
		if err == nil {
			return revision, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return 0, fmt.Errorf("bus: lease %s: %w", stage, err)
		}
		timer := time.NewTimer(LeaseTime / 10)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0, context.Cause(ctx)
		}
	}
}

func (l *Leases) create(ctx context.Context, stage string) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	return l.keys.Create(ctx, stage, []byte(l.owner))
}

// lease is one ownership.
type lease struct {
	lose context.CancelCauseFunc
	done <-chan struct{} // closed when the work is finished
}

// renew keeps the lease until the work is done and then gives it back. It declares it lost well
// before another process can take it.
func (l *Leases) renew(ctx context.Context, stage string, revision uint64, held lease) {
	renewed := time.Now()
	ticker := time.NewTicker(LeaseTime / 5)
	defer ticker.Stop()
	for {
		select {
		case <-held.done:
			l.release(ctx, stage, revision)
			return
		case <-ticker.C:
		}
		asked := time.Now()
		next, err := l.update(ctx, stage, revision)
		switch {
		case err == nil:
			revision, renewed = next, asked
		case isWrongRevision(err) || time.Since(renewed) > LeaseTime*3/5:
			l.log.WarnContext(ctx, "lease lost", "stage", stage, "error", err)
			held.lose(pipeline.ErrLeaseLost)
			<-held.done
			return
		}
	}
}

func (l *Leases) update(ctx context.Context, stage string, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaseTime/5)
	defer cancel()
	return l.keys.Update(ctx, stage, []byte(l.owner), revision)
}

func (l *Leases) release(ctx context.Context, stage string, revision uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := l.keys.Delete(ctx, stage, jetstream.LastRevision(revision)); err != nil {
		l.log.DebugContext(ctx, "lease not given back, it expires", "stage", stage, "error", err)
	}
}

func isWrongRevision(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
