package app

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/internal/tracing"
)

// newTracing makes the exporter of traces where this process is to have one.
func (a *App) newTracing(ctx context.Context) (err error) {
	if a.cfg.Tracing == nil {
		return nil
	}
	cfg := *a.cfg.Tracing
	cfg.Version = a.cfg.Version
	a.tracing, err = tracing.New(ctx, cfg, tracing.Deps{Bus: a.bus, Log: a.log, Now: time.Now})
	if err != nil {
		return err
	}
	read := func(of func(tracing.Counts) uint64) func() uint64 {
		return func() uint64 { return of(a.tracing.Counts()) }
	}
	a.metrics.CountTraces(telemetry.Traces{
		Verdicts: read(func(c tracing.Counts) uint64 { return c.Verdicts }),
		Waiting:  read(func(c tracing.Counts) uint64 { return c.Waiting }),
		Sent:     read(func(c tracing.Counts) uint64 { return c.Sent }),
		Dropped: map[string]func() uint64{
			"endpoint":   read(func(c tracing.Counts) uint64 { return c.Failed }),
			"late":       read(func(c tracing.Counts) uint64 { return c.Late }),
			"rate":       read(func(c tracing.Counts) uint64 { return c.Limited }),
			"unreadable": read(func(c tracing.Counts) uint64 { return c.Unreadable }),
		},
	})
	return nil
}
