// Package load plays users of a running HAL9: each publishes over HTTP or NATS, waits for
// verdicts, reads the status or tails results, at a pace of its own.
//
// The load is open: when an operation is due is fixed by the seed alone, and its latency
// counts from then, not from when the user got round to it. A target that stands still for
// a second is therefore seen by everything that was due in that second, and not by the one
// operation that met it (coordinated omission, as Gil Tene named it).
//
// It promises that a run ends: at the latest Config.Timeout behind Config.For everything is
// given up, and what was due and never begun is counted as an error. Users are goroutines
// that share a few NATS connections, one subscription for verdicts and one pool of HTTP
// connections; each has one operation under way and one tail open at most.
package load

import (
	"context"
	"errors"
	"log/slog"
)

// ErrInterrupted says that a run was ended before it began.
var ErrInterrupted = errors.New("load: interrupted before it began")

// Run plays users against a running HAL9 until cfg.For has passed or ctx ends, and returns
// what they saw. watch, where it is not nil, is told every cfg.Period how it goes.
//
// An error says that the run could not begin; that the target answers late or badly once it
// has begun is part of the Result.
func Run(ctx context.Context, cfg Config, log *slog.Logger, watch func(Snapshot)) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	t, err := openTarget(cfg, log)
	if err != nil {
		return Result{}, err
	}
	defer t.close()
	if err := t.check(ctx); err != nil {
		if ctx.Err() != nil {
			err = ErrInterrupted
		}
		return Result{}, err
	}
	result := newRun(cfg, t).play(ctx, watch)
	result.NATS, result.HTTP = t.listening.URL(), t.web.base
	result.Tailed, result.Dropped = t.tails.seen.Load(), t.listener.Dropped()
	return result, nil
}
