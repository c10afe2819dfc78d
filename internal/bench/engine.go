package bench

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// passing is HAL9 with layers that decide nothing: the embedded server, the bus, the decoder and the five
// stages are those of `hal9 up`.
func passing() contender {
	return contender{"HAL9", func(ctx context.Context, s *session) (*rig, error) {
		server, stopServer, err := s.serve()
		if err != nil {
			return nil, err
		}
		to := bare.NewTarget(server.URL(), server.InProcess())
		r, err := newRig(to)
		if err != nil {
			stopServer()
			return nil, err
		}
		cfg := bus.DefaultConfig()
		cfg.URL = server.URL()
		b, err := bus.Connect(cfg, s.cfg.Log, server.InProcess())
		if err != nil {
			r.client.Close()
			stopServer()
			return nil, err
		}
		r.in, r.out, r.heard = benchSubject, pipeline.StreamVerdicts, pipeline.SubjectVerdicts+".>"
		r.number = numberOfVerdict(layers.NameL5.String())
		stopStages, err := r.runStages(ctx, s, b)
		if err != nil {
			b.Close()
			r.client.Close()
			stopServer()
			return nil, err
		}
		r.stop = func() error {
			err := stopStages()
			b.Close()
			r.client.Close()
			stopServer()
			return err
		}
		return r, nil
	}}
}

// runStages provisions and runs the five stages and waits until all of them consume.
func (r *rig) runStages(ctx context.Context, s *session, b *bus.Bus) (stop func() error, err error) {
	if err := b.Provision(ctx, bus.DefaultTopology()); err != nil {
		return nil, err
	}
	runners, err := passingRunners(ctx, s, b)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		var group errgroup.Group
		for _, runner := range runners {
			group.Go(func() error { return runner.Run(running) })
		}
		ended <- group.Wait()
	}()
	r.failed = ended
	stop = func() error {
		cancel()
		return <-ended
	}
	ready := func() bool {
		for _, runner := range runners {
			if !runner.Working() {
				return false
			}
		}
		return true
	}
	if err := awaitReady(ctx, ready); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
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
		runner, err := pipeline.NewRunner(spec, pipeline.DefaultConfig(), deps)
		if err != nil {
			return nil, err
		}
		runners = append(runners, runner)
	}
	return runners, nil
}

// awaitReady waits until what was started works.
func awaitReady(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, standstill, errors.New("bench: HAL9 was not ready in time"))
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
