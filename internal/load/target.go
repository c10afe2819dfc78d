package load

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// target is the HAL9 that users use, and their way to it.
type target struct {
	cfg       Config
	web       *web
	shared    []*bus.Bus // users share them
	listening *bus.Bus   // of its own, so that no tail delays a verdict
	verdicts  *verdicts
	listener  *bus.Listener
	tails     *tails
}

// openTarget connects to NATS. HTTP connections are made as users need them.
func openTarget(cfg Config, log *slog.Logger) (t *target, err error) {
	t = &target{cfg: cfg, verdicts: newVerdicts(), tails: newTails(cfg.TailTime)}
	base := ""
	if cfg.Mix.web() {
		if base, err = baseURL(cfg.HTTP); err != nil {
			return nil, err
		}
	}
	t.web = newWeb(base, cfg.Users)
	// Answers must not be given up before the operation's own timeout, and no user may have to
	// wait for another's answer before it sends.
	cfg.NATS.PublishTimeout = cfg.Timeout + 5*time.Second
	cfg.NATS.MaxInFlight = max(cfg.NATS.MaxInFlight, cfg.Users)
	if t.listening, err = bus.Connect(cfg.NATS, log); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler) // The one that listens says what happens to all.
	for range min(cfg.Connections, cfg.Users) {
		b, err := bus.Connect(cfg.NATS, quiet)
		if err != nil {
			t.close()
			return nil, err
		}
		t.shared = append(t.shared, b)
	}
	return t, nil
}

func (t *target) close() {
	t.tails.close()
	for _, b := range append(t.shared, t.listening) {
		b.Close()
	}
	t.web.close()
}

// check makes sure that the target is a whole HAL9 before users meet it: it listens for verdicts,
// reads the status and waits for the verdict on one signal through each door.
func (t *target) check(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	if _, err := t.listening.Partitions(ctx); err != nil {
		return err
	}
	if t.listener, err = t.listening.Listen(ctx, pipeline.SubjectVerdicts+".>", t.verdicts.visit); err != nil {
		return err
	}
	if t.cfg.Mix.web() {
		if err := t.web.status(ctx); err != nil {
			return fmt.Errorf("load: there is no HAL9 at %s: %w", t.web.base, err)
		}
	}
	first := newSender(runName(time.Now()), 0, rand.New(rand.NewPCG(t.cfg.Seed, 0)))
	if err := t.verdict(ctx, t.shared[0], first.next()); err != nil {
		return fmt.Errorf("load: a first signal over NATS at %s got no verdict within %s: does every layer run? %w", t.listening.URL(), t.cfg.Timeout, err)
	}
	if t.cfg.Mix[OperationHTTP] == 0 {
		return nil
	}
	if err := t.await(ctx, first.next(), t.web.publish); err != nil {
		return fmt.Errorf("load: a first signal over HTTP got no verdict within %s: do %s and %s belong to the same HAL9? %w",
			t.cfg.Timeout, t.web.base, t.listening.URL(), err)
	}
	return nil
}

// perform carries out an operation.
func (t *target) perform(ctx context.Context, task task) error {
	b := t.shared[task.user%len(t.shared)]
	switch task.operation {
	case OperationHTTP:
		return t.web.publish(ctx, &task.signal)
	case OperationNATS:
		return publish(ctx, b, &task.signal)
	case OperationVerdict:
		return t.verdict(ctx, b, task.signal)
	case OperationStatus:
		return t.web.status(ctx)
	case OperationTail:
		return t.tails.open(ctx, b, task.user)
	default:
		return fmt.Errorf("load: %q is no operation", task.operation)
	}
}

// publish stores one signal over NATS.
func publish(ctx context.Context, b *bus.Bus, s *signal) error {
	record, err := s.record()
	if err != nil {
		return err
	}
	_, err = b.Submit(ctx, []pipeline.Record{record})
	return err
}

// verdict publishes a signal over NATS and waits for its verdict.
func (t *target) verdict(ctx context.Context, b *bus.Bus, s signal) error {
	return t.await(ctx, s, func(ctx context.Context, s *signal) error { return publish(ctx, b, s) })
}

func (t *target) await(ctx context.Context, s signal, publish func(context.Context, *signal) error) error {
	broken := t.listener.Broken()
	arrived := t.verdicts.expect(s.ID)
	defer t.verdicts.forget(s.ID)
	if err := publish(ctx, &s); err != nil {
		return err
	}
	select {
	case disposition := <-arrived:
		if disposition == layers.DispositionDead {
			return ErrDead
		}
		return nil
	case <-broken:
		return fmt.Errorf("load: the verdict may have been missed: %w", bus.ErrDisconnected)
	case <-ctx.Done():
		return ErrNoVerdict
	}
}
