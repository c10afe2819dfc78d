package app

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
)

// How often the process looks at what changes slowly.
const (
	queuePeriod     = 2 * time.Second
	objectivePeriod = 2 * time.Second
	outlookPeriod   = 4 * time.Second
	spacePeriod     = 15 * time.Second
)

// every calls look at once and then once a period, until ctx ends.
func every(ctx context.Context, period time.Duration, look func(context.Context)) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		look(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// watchQueues keeps depth and age of the queues that this process shows. Of the processes of a layer the eldest measures it, all partitions,
// since one that nobody owns must not be left out: so many processes ask no more than one does.
func (a *App) watchQueues(ctx context.Context) {
	every(ctx, queuePeriod, func(ctx context.Context) {
		for _, layer := range a.watched() {
			if !a.cfg.Whole && !a.leases.Eldest(layer) {
				a.forgetQueue(layer)
				continue
			}
			load, err := a.gauge.Read(ctx, layer)
			if err != nil {
				a.log.DebugContext(ctx, "queue unknown", "layer", layer, "error", err)
				a.forgetQueue(layer)
				continue
			}
			a.queues[layer].Store(&load)
			a.metrics.SetQueue(layer, telemetry.Queue{Depth: load.Depth(), Oldest: load.Oldest, Fill: load.Fill})
		}
	})
}

func (a *App) forgetQueue(layer layers.Name) {
	a.queues[layer].Store(nil)
	a.metrics.ForgetQueue(layer)
}

// watchRoster follows who works on what, where this process shows the whole.
func (a *App) watchRoster(ctx context.Context) {
	if a.roster != nil {
		a.roster.Run(ctx)
	}
}

// watchSpace trims what this process's stages have settled.
func (a *App) watchSpace(ctx context.Context) {
	every(ctx, spacePeriod, func(ctx context.Context) {
		for _, runner := range a.runners {
			key := runner.Key()
			if key.Objectives || key.Scouts() || !runner.Working() {
				continue
			}
			offset, err := a.bus.Settled(ctx, key, a.checkpoints)
			if err == nil {
				err = a.bus.Trim(ctx, key, offset)
			}
			if err != nil && ctx.Err() == nil {
				a.log.WarnContext(ctx, "stream not trimmed", "stage", key.Name(), "error", err)
			}
		}
	})
}
