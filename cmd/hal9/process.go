package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/tracing"
)

// process is what `up` and `run` have in common.
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
	if p.readyFile == "" {
		return nil
	}
	return p.writeReadyFile()
}

func (p *process) writeReadyFile() error {
	data, err := json.Marshal(map[string]any{
		"http": "http://" + p.listener.Addr().String(), "nats": p.natsURL, "pid": os.Getpid(),
	})
	if err != nil {
		return err
	}
	return publishFile(p.readyFile, append(data, '\n'))
}

// publishFile writes a file that appears under its name only when it is whole.
func publishFile(name string, data []byte) error {
	part := name + ".part"
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return fmt.Errorf("hal9: --ready-file: %w", err)
	}
	return os.Rename(part, name)
}

// listen opens the HTTP address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	return listenFor(ctx, "HTTP", "--http", address)
}

// listenFor opens the address that a flag names.
func listenFor(ctx context.Context, what, flag, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("can't listen on %s for %s: the port is in use: choose another with %s", address, what, flag)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return nil, fmt.Errorf("can't listen on %q for %s: %w: want host:port, such as %s 127.0.0.1:9099", address, what, err, flag)
}
