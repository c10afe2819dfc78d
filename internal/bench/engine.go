package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// nameHAL9 is how progress and notes call HAL9 among the contenders.
const nameHAL9 = "HAL9"

// passing is HAL9 with layers that decide nothing: the embedded server, the bus, the decoder and the five
// stages are those of `hal9 up`.
func passing() contender {
	return contender{nameHAL9, func(ctx context.Context, s *session, r *rig) error {
		b, err := r.connectHAL9(ctx, s)
		if err != nil {
			return err
		}
		runners, err := passingRunners(ctx, s, b)
		if err != nil {
			return err
		}
		r.number = numberOfVerdict(layers.NameL5)
		r.runOn(ctx, func(ctx context.Context) error {
			var group errgroup.Group
			for _, runner := range runners {
				group.Go(func() error { return runner.Run(ctx) })
			}
			return group.Wait()
		})
		return r.awaitReady(ctx, func() bool {
			for _, runner := range runners {
				if !runner.Working() {
					return false
				}
			}
			return true
		})
	}}
}

// whole is all of `hal9 up` with its default configuration, HTTP server and all. Signals end at the layer that
// decides them; where that must be one layer, it is named.
func whole(layer layers.Name) contender {
	return contender{nameHAL9, func(ctx context.Context, s *session, r *rig) error {
		b, err := r.connectHAL9(ctx, s)
		if err != nil {
			return err
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		cfg := app.DefaultConfig()
		cfg.Alone = true
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

func passingRunners(ctx context.Context, s *session, b *bus.Bus) ([]*pipeline.Runner, error) {
	checkpoints, err := b.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	leases, err := b.Leases(ctx, "bench")
	if err != nil {
		return nil, err
	}
	decoder, err := app.NewDecoder(nil, b)
	if err != nil {
		return nil, err
	}
	deps := pipeline.Deps{
		Broker: b, Checkpoints: checkpoints, Leases: leases, Observer: telemetry.New(), Log: s.cfg.Log, Now: time.Now,
	}
	cfg := pipeline.DefaultConfig()
	cfg.MaxRecordBytes = b.MaxPayload() - 4<<10
	var runners []*pipeline.Runner
	for _, name := range layers.Names() {
		spec := pipeline.Spec{
			Key:      pipeline.StageKey{Layer: name, Partitions: 1},
			NewLayer: func() (layers.Layer, error) { return relay{name}, nil },
			Decoder:  pipeline.Envelopes{},
		}
		if name == layers.NameL1 {
			spec.Decoder = app.SignalDecoder(decoder)
		}
		runner, err := pipeline.NewRunner(spec, cfg, deps)
		if err != nil {
			return nil, err
		}
		runners = append(runners, runner)
	}
	return runners, nil
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
