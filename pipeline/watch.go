package pipeline

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// timeError says that a layer took longer for a signal than it may.
type timeError struct {
	layer layers.Name
	limit time.Duration
}

func (e *timeError) Error() string {
	return fmt.Sprintf("pipeline: layer %s did not decide within %s", e.layer, e.limit)
}

// watch limits how long a layer may take for one signal. The layer's context ends when the time is up;
// a layer that goes on all the same is hanging, and is left behind with its stage.
type watch struct {
	limit time.Duration
	layer layers.Name
	born  time.Time // the watch counts from here, and by the monotonic clock: the wall's may jump

	begun atomic.Int64 // when the signal at hand was begun, nanoseconds since born; 0 where there is none
	hung  chan Position

	mu  sync.Mutex
	at  Position
	ctx context.Context //nolint:containedctx // One context serves many signals: a new one for each would cost more than most decisions.
	end context.CancelCauseFunc
}

func newWatch(layer layers.Name, cfg Config) *watch {
	return &watch{limit: cfg.DecideTime, layer: layer, born: time.Now(), hung: make(chan Position, 1)}
}

// begin returns the context for a signal. The stage's goroutine calls it, and done afterwards.
func (w *watch) begin(ctx context.Context, at Position) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx == nil || w.ctx.Err() != nil {
		w.ctx, w.end = context.WithCancelCause(ctx)
	}
	w.at = at
	w.begun.Store(int64(max(1, time.Since(w.born))))
	return w.ctx
}

func (w *watch) done() { w.begun.Store(0) }

// run looks at the clock until ctx ends.
func (w *watch) run(ctx context.Context) {
	ticker := time.NewTicker(w.limit / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.look()
		case <-ctx.Done():
			w.expire(context.Cause(ctx))
			return
		}
	}
}

// look ends the context of a signal that takes too long, and gives its layer up where that does not help
// within as long again.
func (w *watch) look() {
	begun := w.begun.Load()
	if begun == 0 {
		return
	}
	took := time.Since(w.born) - time.Duration(begun)
	if took > w.limit {
		w.expire(&timeError{w.layer, w.limit})
	}
	if took > 2*w.limit {
		w.mu.Lock()
		at := w.at
		w.mu.Unlock()
		select {
		case w.hung <- at:
		default:
		}
	}
}

func (w *watch) expire(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		w.end(cause)
	}
}
