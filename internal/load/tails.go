package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// tails are the tails that users have open, one each at most: who opens the next one has
// closed the one before.
type tails struct {
	time  time.Duration // that a tail stays open behind its first result
	seen  atomic.Uint64 // results, of all tails together
	group sync.WaitGroup

	mu   sync.Mutex
	stop map[int]context.CancelFunc // by user
}

func newTails(d time.Duration) *tails {
	return &tails{time: d, stop: make(map[int]context.CancelFunc)}
}

// open follows the verdicts as `hal9 tail` does, from the last one on, and returns when the
// first is here. The tail itself stays open for a while.
func (t *tails) open(ctx context.Context, b *bus.Bus, user int) error {
	last, err := b.LastSequence(ctx, pipeline.StreamVerdicts)
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	t.replace(user, stop)
	first, failed := make(chan struct{}), make(chan error, 1)
	t.group.Go(func() {
		defer stop()
		failed <- t.follow(following, stop, b, bus.Follow{
			Stream: pipeline.StreamVerdicts, Subjects: []string{pipeline.SubjectVerdicts + ".>"}, From: max(1, last),
		}, first)
	})
	select {
	case <-first:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		stop()
		return ErrNoResult
	}
}

func (t *tails) follow(ctx context.Context, stop func(), b *bus.Bus, f bus.Follow, first chan<- struct{}) error {
	var once sync.Once
	return f.Run(ctx, b, func(*bus.Message) {
		t.seen.Add(1)
		once.Do(func() {
			close(first)
			time.AfterFunc(t.time, stop)
		})
	})
}

// replace closes the tail that the user has open.
func (t *tails) replace(user int, stop context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if previous, ok := t.stop[user]; ok {
		previous()
	}
	t.stop[user] = stop
}

// close closes all of them and waits until they are.
func (t *tails) close() {
	t.mu.Lock()
	for _, stop := range t.stop {
		stop()
	}
	t.mu.Unlock()
	t.group.Wait()
}
