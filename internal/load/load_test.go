package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/load"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// nats.go 1.55 leaves this one behind where a connection closes just as the first
		// asynchronous publish begins.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// hal9 is a HAL9 of the test's own.
type hal9 struct {
	bus    *bus.Bus
	server *natstest.Server
	cfg    load.Config // aims at it
	stop   func()
}

// start runs all five layers on a server of their own.
func start(t *testing.T) *hal9 {
	t.Helper()
	h := &hal9{server: natstest.Start(t)}
	log := slog.New(slog.DiscardHandler)
	to := bus.DefaultConfig()
	to.URL = h.server.ClientURL()
	var err error
	if h.bus, err = bus.Connect(to, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.bus.Close)
	if err := h.bus.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.DefaultConfig(), h.bus, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		ended <- a.Run(ctx, listener)
	}()
	h.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the app ended with %v", err)
		}
	}
	t.Cleanup(h.stop)
	h.cfg = load.DefaultConfig()
	h.cfg.NATS.URL, h.cfg.HTTP = h.server.ClientURL(), "http://"+listener.Addr().String()
	h.cfg.Timeout = 30 * time.Second // A slow machine is no failure here.
	return h
}

// stored counts the messages of the users in a stream.
func (h *hal9) stored(t *testing.T, stream string) (n uint64) {
	t.Helper()
	err := h.bus.Since(t.Context(), stream, time.Unix(0, 0), 1_000_000, func(m *bus.Message) {
		var signal struct {
			Source string `json:"source"`
		}
		if json.Unmarshal(m.Data, &signal) == nil && strings.HasPrefix(signal.Source, "load-") {
			n++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestUsersOfARealHAL9 has a few dozen users for two seconds and compares what they count with what
// HAL9 has.
func TestUsersOfARealHAL9(t *testing.T) {
	h := start(t)
	h.cfg.Users, h.cfg.Rate, h.cfg.For, h.cfg.Period = 40, 200, 2*time.Second, 200*time.Millisecond
	h.cfg.TailTime = 200 * time.Millisecond
	h.cfg.Mix[load.OperationTail] = 20
	snapshots := 0
	result, err := load.Run(t.Context(), h.cfg, slog.New(slog.DiscardHandler), func(load.Snapshot) { snapshots++ })
	if err != nil {
		t.Fatal(err)
	}
	if result.All.Errors != 0 || result.Interrupted || result.Dropped != 0 {
		t.Errorf("%d errors, interrupted %t, %d dropped: %v", result.All.Errors, result.Interrupted, result.Dropped, result.Examples)
	}
	counts := make(map[load.Operation]uint64)
	sum := uint64(0)
	for _, f := range result.Operations {
		counts[f.Operation] = f.Count
		sum += f.Count
		if f.Count == 0 || f.P50 <= 0 || f.P50 > f.P90 || f.P90 > f.P99 || f.P99 > f.P999 || f.P999 > f.Max {
			t.Errorf("%s: %+v", f.Operation, f.Figures)
		}
	}
	if sum != result.All.Count || sum < 300 || sum > 500 {
		t.Errorf("%d operations, %d of all, want about 400", sum, result.All.Count)
	}
	const checks = 2 // signals that make sure of the target
	published := counts[load.OperationHTTP] + counts[load.OperationNATS] + counts[load.OperationVerdict] + checks
	if n := h.stored(t, pipeline.StreamOf(1, 0, 1)); n != published {
		t.Errorf("L1 has stored %d signals, the users have published %d", n, published)
	}
	for deadline := time.Now().Add(20 * time.Second); h.stored(t, pipeline.StreamVerdicts) < published; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d verdicts on %d signals", h.stored(t, pipeline.StreamVerdicts), published)
		}
	}
	if result.Tailed < counts[load.OperationTail] || snapshots == 0 {
		t.Errorf("%d results of %d tails, %d snapshots", result.Tailed, counts[load.OperationTail], snapshots)
	}
}

// TestRunSaysWhyItCannotBegin breaks one thing after another.
func TestRunSaysWhyItCannotBegin(t *testing.T) {
	h := start(t)
	fails := func(name, want string, change func(*load.Config)) {
		t.Helper()
		cfg := h.cfg
		cfg.Users, cfg.Timeout = 1, 500*time.Millisecond
		change(&cfg)
		if _, err := load.Run(t.Context(), cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	other := natstest.Start(t)
	fails("no users", "0 users", func(c *load.Config) { c.Users = 0 })
	fails("no NATS", "can't connect to NATS", func(c *load.Config) { c.NATS.URL = "nats://127.0.0.1:1" })
	fails("not provisioned", "hal9 provision --nats", func(c *load.Config) { c.NATS.URL = other.ClientURL() })
	fails("no HTTP", "there is no HAL9 at http://127.0.0.1:1", func(c *load.Config) { c.HTTP = "127.0.0.1:1" })
	fails("another server", "there is no HAL9 at", func(c *load.Config) { c.HTTP = c.HTTP + "/elsewhere" })

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load.Run(ctx, h.cfg, slog.New(slog.DiscardHandler), nil); !errors.Is(err, load.ErrInterrupted) {
		t.Errorf("interrupted: error %v", err)
	}
	second := start(t)
	fails("two HAL9s", "belong to the same HAL9?", func(c *load.Config) { c.HTTP = second.cfg.HTTP })
	h.stop()
	fails("no layers", "does every layer run?", func(c *load.Config) { c.Mix = load.Mix{load.OperationNATS: 1} })
}

// TestLostServerIsCountedAndTheRunGoesOn stops NATS in the middle.
func TestLostServerIsCountedAndTheRunGoesOn(t *testing.T) {
	h := start(t)
	h.cfg.Users, h.cfg.Rate, h.cfg.For, h.cfg.Period = 20, 200, 3*time.Second, 100*time.Millisecond
	h.cfg.Timeout = 5 * time.Second
	stopped := false
	result, err := load.Run(t.Context(), h.cfg, slog.New(slog.DiscardHandler), func(s load.Snapshot) {
		if !stopped && s.Elapsed > time.Second {
			stopped = true
			h.server.Stop()
			h.server.Restart(t)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.All.Errors == 0 || result.All.Errors == result.All.Count {
		t.Errorf("%d of %d operations failed over a restart of NATS, want some: %v", result.All.Errors, result.All.Count, result.All.Kinds)
	}
	if result.All.Kinds[load.KindConnection]+result.All.Kinds[load.KindUnavailable] == 0 {
		t.Errorf("kinds %v: want connection or unavailable", result.All.Kinds)
	}
	if n := result.All.Kinds[load.KindOther]; n > 0 {
		t.Errorf("%d errors of no kind: %v", n, result.Examples)
	}
}
