package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// passing is all of `hal9 up` with layers that decide nothing: what remains is what carries the signals.
func passing(generate generator) contender {
	cfg := app.DefaultConfig()
	cfg.NewLayer = func(name layers.Name) (layers.Layer, error) { return relay{name}, nil }
	return hal9(cfg, "HAL9", layers.NameL5, generate)
}

// whole is all of `hal9 up` with its default configuration. Signals end at the layer that decides them; where that
// must be one layer, it is named.
func whole(layer layers.Name, generate generator) contender {
	return hal9(app.DefaultConfig(), "HAL9 with its own layers", layer, generate)
}

func hal9(cfg app.Config, name string, layer layers.Name, generate generator) contender {
	cfg.Alone = true
	return contender{name, generate, func(ctx context.Context, s *session, r *rig) error {
		b, err := r.connectHAL9(ctx, s)
		if err != nil {
			return err
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		a, err := app.New(ctx, cfg, b, s.cfg.Log)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		r.number = numberOfVerdict(layer)
		r.runOn(ctx, func(ctx context.Context) error { return a.Run(ctx, listener) })
		return r.awaitReady(ctx, func() bool { return a.IsReady(ctx) })
	}}
}

// connectHAL9 provisions the rig's server.
func (r *rig) connectHAL9(ctx context.Context, s *session) (*bus.Bus, error) {
	cfg := bus.DefaultConfig()
	cfg.URL = r.server.URL()
	b, err := bus.Connect(cfg, s.cfg.Log, r.server.InProcess())
	if err != nil {
		return nil, err
	}
	r.onStop(func() error { b.Close(); return nil })
	r.in, r.out, r.heard = benchSubject, pipeline.StreamVerdicts, pipeline.SubjectVerdicts+".>"
	return b, b.Provision(ctx, bus.DefaultTopology())
}

// awaitReady waits until what was started works.
func (r *rig) awaitReady(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, standstill, errors.New("bench: HAL9 was not ready in time"))
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-ticker.C:
		case <-r.ended:
			return errStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
