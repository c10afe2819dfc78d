package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// How often the process looks at what changes slowly.
const (
	queuePeriod     = 2 * time.Second
	objectivePeriod = 2 * time.Second
	spacePeriod     = 15 * time.Second
)

// objectivesKey is where the error budgets stand in their bucket.
const objectivesKey = "reports"

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

// watchQueues keeps depth and age of this process's queues.
func (a *App) watchQueues(ctx context.Context) {
	every(ctx, queuePeriod, func(ctx context.Context) {
		for _, layer := range a.cfg.Layers {
			queue, err := a.bus.Queue(ctx, layer, a.partitions)
			if err != nil {
				a.log.DebugContext(ctx, "queue unknown", "layer", layer, "error", err)
				a.queues[layer].Store(nil)
				continue
			}
			a.queues[layer].Store(&queue)
			a.metrics.SetQueue(layer, queue.Depth(), queue.Oldest)
		}
	})
}

// watchObjectives publishes the error budgets where this process counts them, and reads them
// where another does.
func (a *App) watchObjectives(ctx context.Context) {
	if !a.runs(layers.NameL5) {
		return
	}
	every(ctx, objectivePeriod, func(ctx context.Context) {
		reports, err := a.exchangeReports(ctx)
		if err != nil {
			a.log.DebugContext(ctx, "objectives not exchanged", "error", err)
			return
		}
		a.reports.Store(&reports)
		for _, r := range reports {
			a.metrics.SetObjective(telemetry.Objective{
				Name: r.Objective, BudgetRemaining: r.BudgetRemaining, BurnRate: r.BurnRate,
			})
		}
	})
}

func (a *App) exchangeReports(ctx context.Context) ([]strategic.Report, error) {
	if a.counts() {
		reports := a.tracker.Load().Reports()
		data, err := json.Marshal(reports)
		if err != nil {
			return nil, err
		}
		return reports, a.bus.Report(ctx, objectivesKey, data)
	}
	data, err := a.bus.Reported(ctx, objectivesKey)
	if err != nil || data == nil {
		return nil, err
	}
	var reports []strategic.Report
	return reports, json.Unmarshal(data, &reports)
}

// counts reports whether this process feeds the objectives now.
func (a *App) counts() bool {
	for _, runner := range a.runners {
		if runner.Key().Objectives {
			return runner.Working() && a.tracker.Load() != nil
		}
	}
	return false
}

// lastReports is what L5 reviews against.
func (a *App) lastReports() []strategic.Report {
	if a.counts() {
		return a.tracker.Load().Reports()
	}
	if reports := a.reports.Load(); reports != nil {
		return *reports
	}
	return nil
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
