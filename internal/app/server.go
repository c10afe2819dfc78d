package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/internal/web"
	"github.com/2lab-ai/hal9/layers"
)

func (a *App) newServer(context.Context) (err error) {
	a.server, err = web.New(a.cfg.Web, web.Deps{
		Intake:     intake{a},
		Decoder:    a.decoder,
		Metrics:    a.metrics.Handler(),
		Live:       a.live,
		Ready:      a.Ready,
		Status:     a.status,
		Objectives: a.toldObjectives,
		Trends:     func(ctx context.Context) (json.RawMessage, error) { return a.bus.Outlook(ctx) },
		OnCall:     a.desk.Handler(a.log),
		Journal:    a.cfg.Journal,
		Outcome:    a.takeOutcome(),
		Ingested: func(door, outcome string, n int) {
			a.metrics.Ingested(telemetry.Door(door), telemetry.Outcome(outcome), n)
		},
		Now: time.Now,
		Log: a.log,
	})
	if err == nil && a.cfg.Whole {
		a.metrics.CountConnections(a.server.Connections)
	}
	return err
}

// stuckAfter is how long a stage may be at one burst before the process is held to be dead.
const stuckAfter = 2 * time.Minute

// live reports whether the process works at all: every stage that consumes must get on. A lost NATS is
// no reason to restart the process: it connects again by itself.
func (a *App) live(context.Context) []web.Check {
	checks := []web.Check{{Name: "process", OK: true, Detail: "up since " + a.started.UTC().Format(time.RFC3339)}}
	for _, runner := range a.runners {
		if stuck := runner.Stuck(); stuck > stuckAfter {
			checks = append(checks, web.Check{
				Name: runner.Key().Name(), Detail: "at the same signals for " + stuck.Round(time.Second).String() + ": restart the process",
			})
		}
	}
	return checks
}

// Ready reports whether NATS is connected and every stage of this process consumes or stands
// by for one that does elsewhere, and that council and sinks get what they work on.
func (a *App) Ready(context.Context) []web.Check {
	checks := []web.Check{{Name: "nats", OK: a.bus.Connected(), Detail: a.bus.URL()}}
	if a.cfg.Whole {
		checks = append(checks, a.checkQueues()...)
	}
	for _, runner := range a.runners {
		text, ok := runner.State()
		checks = append(checks, web.Check{Name: runner.Key().Name(), OK: ok, Detail: text})
	}
	if a.council != nil {
		text, ok := a.council.State()
		checks = append(checks, web.Check{Name: "council", OK: ok, Detail: text})
	}
	if a.outbound != nil {
		text, ok := a.outbound.State()
		checks = append(checks, web.Check{Name: "sinks", OK: ok, Detail: text})
	}
	return checks
}

// IsReady reports whether all checks of Ready pass.
func (a *App) IsReady(ctx context.Context) bool {
	for _, check := range a.Ready(ctx) {
		if !check.OK {
			return false
		}
	}
	return true
}

func (a *App) status(context.Context) web.Status {
	st := web.Status{
		Version: a.cfg.Version, Commit: a.cfg.Commit, StartedAt: a.started,
		NATSURL: a.bus.URL(), NATSConnected: a.bus.Connected(), Process: a.process(),
	}
	for _, layer := range layers.Names() {
		l := web.LayerStatus{Layer: layer, Running: a.runs(layer), Signals: a.metrics.Signals(layer)}
		if queue := a.queues[layer].Load(); queue != nil {
			l.Queue = &web.Queue{Depth: queue.Depth(), OldestAge: queue.Oldest}
		}
		l.Partitions = a.share(layer)
		st.Layers = append(st.Layers, l)
	}
	if a.cfg.Whole {
		a.showWhole(&st)
	}
	for _, r := range a.lastReports() {
		st.Objectives = append(st.Objectives, web.Objective{
			Name: r.Objective, Target: r.Target, WindowUS: r.Window.Microseconds(), Good: r.Good, Total: r.Total,
			Remaining: r.BudgetRemaining, BurnRate: r.BurnRate, Firing: append([]string{}, r.FiringAlerts()...),
		})
	}
	return st
}

// share returns which part of a layer's partitions this process owns, nil where that says nothing.
func (a *App) share(layer layers.Name) *web.Partitions {
	var p web.Partitions
	for _, runner := range a.runners {
		key := runner.Key()
		if key.Layer != layer || key.Objectives || key.Shared() {
			continue
		}
		p.All++
		if runner.Working() {
			p.Owned++
		}
	}
	if p.All == 0 {
		return nil
	}
	return &p
}
