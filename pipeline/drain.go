package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// drainContext returns a context for work in progress: it outlives ctx by the drain time, but
// ends with it at once where the stage belongs to somebody else by now.
func drainContext(ctx context.Context, drain time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); errors.Is(cause, ErrLeaseLost) {
			cancel(cause)
			return
		}
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(fmt.Errorf("pipeline: work did not finish within %s of the stop", drain))
		case <-work.Done():
		}
	})
	return work, func() { stop(); cancel(nil) }
}
