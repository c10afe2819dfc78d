package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/tracing"
)

// process is what `up`, `run` and `web` have in common.
type process struct {
	bus       *bus.Bus
	cfg       app.Config
	listener  net.Listener
	log       *slog.Logger
	out       io.Writer
	began     time.Time
	natsURL   string
	readyFile string
	banner    func(ready time.Duration) string
}

// run starts the app, says so when it is ready and returns when it has stopped.
func (p *process) run(ctx context.Context) error {
	traces, on, err := tracing.FromEnvironment(os.Getenv)
	if err != nil {
		return err
	}
	if on {
		p.cfg.Tracing = &traces
	}
	a, err := app.New(ctx, p.cfg, p.bus, p.log)
	if err != nil {
		return unlessStopped(ctx, p.log, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = a.Run(ctx, p.listener)
	}()
	if failed := p.announce(ctx, a, ended); failed != nil {
		cancel()
		<-ended
		return errors.Join(failed, err)
	}
	<-ended
	if err == nil {
		p.log.InfoContext(ctx, "stopped, everything in flight is settled")
	}
	return err
}

// unlessStopped returns why a process could not start, and nil where it was asked to stop meanwhile.
func unlessStopped(ctx context.Context, log *slog.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.InfoContext(ctx, "stopped before it was ready")
	return nil
}

// announce waits until the app is ready and tells people and programs. It says nothing where
// the app ends before.
func (p *process) announce(ctx context.Context, a *app.App, ended <-chan struct{}) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !a.IsReady(ctx) {
		select {
		case <-ticker.C:
		case <-ended:
			return nil
		}
	}
	if _, err := io.WriteString(p.out, p.banner(time.Since(p.began))); err != nil {
		return fmt.Errorf("hal9: write the banner: %w", err)
	}
	return writeReady(p.readyFile, p.natsURL, p.listener, nil)
}
