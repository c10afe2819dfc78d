package scaling_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/internal/scaling"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 6

func connect(t *testing.T, server *natstest.Server) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = server.ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func provision(t *testing.T, b *bus.Bus) {
	t.Helper()
	topology := bus.DefaultTopology()
	topology.Partitions = partitions
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
}

func provisioned(t *testing.T) (*bus.Bus, *natstest.Server) {
	t.Helper()
	server := natstest.Start(t)
	b := connect(t, server)
	provision(t, b)
	return b, server
}

// config measures often; each replica is taken to do 100 signals/s.
func config(least int) scaling.Config {
	cfg := scaling.DefaultConfig()
	cfg.Every, cfg.Fresh = 200*time.Millisecond, 3*time.Second
	cfg.Limits = func(layers.Name) policy.Config {
		limits := policy.DefaultConfig()
		limits.Min, limits.Rate, limits.Latency = least, 100, time.Hour // However slow the machine is.
		return limits
	}
	return cfg
}

// running is a scaler at work.
type running struct {
	*scaling.Scaler
	stop func()
}

func start(t *testing.T, b *bus.Bus, cfg scaling.Config, owner string) *running {
	t.Helper()
	s, err := scaling.New(t.Context(), cfg, b, owner, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r := &running{Scaler: s, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})}
	t.Cleanup(r.stop)
	return r
}

// until waits for something that comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wants waits until a layer is decided and the decision is as expected.
func (r *running) wants(t *testing.T, layer layers.Name, is func(d *policy.Decision) bool) policy.Decision {
	t.Helper()
	var d policy.Decision
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if d, err = r.Board().Decision(layer); err == nil && is(&d) {
			return d
		}
	}
	t.Fatalf("%s: %v: %+v", layer, err, d)
	return d
}

func anyDecision(*policy.Decision) bool { return true }

// publish stores packs of signals in partitions of L3 and returns how many signals that were.
func publish(t *testing.T, b *bus.Bus, packs, each int) uint64 {
	t.Helper()
	for i := range packs {
		list := make([]*layers.Envelope, each)
		for j := range list {
			list[j] = &layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint(i, "-", j), Source: "test", Key: "k"}}
		}
		data, err := pipeline.NewPack(list...)
		if err != nil {
			t.Fatal(err)
		}
		record := pipeline.Record{
			Subject: pipeline.SubjectOf(layers.NameL3, i%3), Data: data, Header: map[string]string{pipeline.HeaderSignals: strconv.Itoa(each)},
		}
		if err := b.Publish(t.Context(), []pipeline.Record{record}); err != nil {
			t.Fatal(err)
		}
	}
	return uint64(packs * each)
}

// stored returns what the stream holds about a layer.
func stored(t *testing.T, b *bus.Bus, layer layers.Name) (all []policy.Decision) {
	t.Helper()
	window := bus.Window{Stream: pipeline.StreamScaling, Subject: pipeline.SubjectOfScaling(layer)}
	err := b.Walk(t.Context(), window, func(m *bus.Message) bool {
		var d policy.Decision
		if err := json.Unmarshal(m.Data, &d); err != nil {
			t.Error(err)
		}
		all = append(all, d)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDecisionCountsWhatWasPublished: signals, not packs; over partitions; and what was decided is in the stream with its inputs.
func TestDecisionCountsWhatWasPublished(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	want := publish(t, b, 60, 100)
	r := start(t, b, config(1), "one")
	// 6,000 signals ÷ (100/s × 30 s) are 2 replicas.
	d := r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 })
	if d.Reading.Busy != 3 || d.Reading.Partitions != partitions || d.Reading.Replicas != 0 || d.Reading.Oldest <= 0 {
		t.Errorf("%+v", d.Reading)
	}
	var kept policy.Decision
	until(t, "the decision in the stream", func() bool {
		all := stored(t, b, layers.NameL3)
		at := slices.IndexFunc(all, func(other policy.Decision) bool { return other.At.Equal(d.At) })
		if at >= 0 {
			kept = all[at]
		}
		return at >= 0
	})
	kept.Reading.Oldest, d.Reading.Oldest = kept.Reading.Oldest.Truncate(time.Microsecond), d.Reading.Oldest.Truncate(time.Microsecond)
	if diff := cmp.Diff(d, kept); diff != "" {
		t.Errorf("served and stored differ: (-served +stored)\n%s", diff)
	}
	if text := scrape(t, r); !strings.Contains(text, `hal9_scaler_wanted_replicas{layer="L3"} 2`) ||
		!strings.Contains(text, `hal9_scaler_signals{layer="L3",state="waiting"} 6000`) {
		t.Errorf("metrics:\n%s", text)
	}
}

// TestUnreachableNATSIsAnErrorAndPasses: what was decided last counts for a while, then it is an error, never a number.
func TestUnreachableNATSIsAnErrorAndPasses(t *testing.T) {
	t.Parallel()
	b, server := provisioned(t)
	want := publish(t, b, 60, 100)
	r := start(t, b, config(1), "one")
	d := r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 })
	server.Stop()
	until(t, "an error", func() bool {
		now, err := r.Board().Decision(layers.NameL3)
		if err == nil && now.Wanted != d.Wanted {
			t.Fatalf("%d replicas without NATS, it was %d", now.Wanted, d.Wanted)
		}
		return err != nil
	})
	if text := scrape(t, r); strings.Contains(text, `hal9_scaler_wanted_replicas{layer="L3"}`) { // The others' are as old by a moment more or less.
		t.Error("a number that is not known is shown")
	}
	server.Restart(t)
	r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 })
}

// TestFirstSignalIsToldAtOnce: long before the next measurement is due, so that only the signal itself can have told.
func TestFirstSignalIsToldAtOnce(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	cfg := config(1)
	cfg.Every, cfg.Fresh = 20*time.Second, time.Minute
	others := cfg.Limits
	cfg.Limits = func(layer layers.Name) policy.Config {
		limits := others(layer)
		if layer == layers.NameL3 {
			limits.Min = 0
		}
		return limits
	}
	r := start(t, b, cfg, "one")
	r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return d.Wanted == 0 })
	until(t, "a second decision, by a measurement that it asks for once it listens", func() bool {
		return len(stored(t, b, layers.NameL3)) >= 2
	})
	heard := make(chan bool, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- r.Board().FollowActive(ctx, layers.NameL3, func(active bool) error { heard <- active; return nil })
	}()
	if <-heard {
		t.Error("it is active without a signal")
	}
	began := time.Now()
	publish(t, b, 1, 1)
	if !<-heard {
		t.Error("inactive is told twice")
	}
	if took := time.Since(began); took > cfg.Every/2 {
		t.Errorf("told %s after the signal was published", took)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return d.Wanted == 1 && d.Reading.Waiting == 1 })
}

// TestOneOfSeveralDecides: the others serve the same, and one of them goes on where it left off.
func TestOneOfSeveralDecides(t *testing.T) {
	t.Parallel()
	b, server := provisioned(t)
	want := publish(t, b, 60, 100)
	isTwo := func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 }
	first := start(t, b, config(1), "one")
	first.wants(t, layers.NameL3, isTwo)
	others := []*running{start(t, connect(t, server), config(1), "two"), start(t, connect(t, server), config(1), "three")}
	for _, r := range others {
		r.wants(t, layers.NameL3, isTwo)
		if strings.Contains(scrape(t, r), "hal9_scaler_leading 1") {
			t.Error("two decide")
		}
	}
	first.stop()
	until(t, "another one decides", func() bool {
		return strings.Contains(scrape(t, others[0])+scrape(t, others[1]), "hal9_scaler_leading 1")
	})
	stopped := time.Now().UTC()
	for _, r := range others {
		r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return isTwo(d) && d.At.After(stopped) })
	}
}
