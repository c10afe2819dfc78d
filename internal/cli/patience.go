package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Patience tries what needs others to be there first, such as NATS while its servers start, until it works.
type Patience struct {
	Bound time.Duration    // how long in all; 0 tries once
	Pause time.Duration    // between two tries
	Hopes func(error) bool // whether another try may help
	Log   *slog.Logger     // hears reasons to wait when they change, at most every patienceTold
}

// patienceTold keeps a log short in which a reason counts down.
const patienceTold = 15 * time.Second

// Try returns nil once try does, and otherwise why the last try failed.
func (p Patience) Try(ctx context.Context, try func(context.Context) error) error {
	if p.Bound <= 0 {
		return try(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, p.Bound)
	defer cancel()
	told, toldAt := "", time.Time{}
	for {
		err := try(bounded)
		if err == nil || !p.Hopes(err) {
			return err
		}
		if reason := err.Error(); reason != told && time.Since(toldAt) >= patienceTold {
			p.Log.InfoContext(ctx, "waiting", "reason", reason)
			told, toldAt = reason, time.Now()
		}
		select {
		case <-time.After(p.Pause):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return err
			}
			return fmt.Errorf("%w (tried for %s)", err, p.Bound)
		}
	}
}
