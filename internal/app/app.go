// Package app is the process: it puts layers, pipeline, bus, telemetry, the outbound
// sinks and the HTTP server together and owns their order of starting and stopping. The
// same code runs all five layers (`hal9 up`) or one of them (`hal9 run`).
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/consensus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/journal"
	"github.com/2lab-ai/hal9/internal/oncall"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/internal/outcome"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/internal/tracing"
	"github.com/2lab-ai/hal9/internal/web"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// Config says what the process runs.
type Config struct {
	Layers   []layers.Name // default all five
	Whole    bool          // show what all processes do, on every layer, instead of this one; default false
	File     config.File
	Pipeline pipeline.Config
	Web      web.Config
	Version  string
	Commit   string
	// NewLayer makes the layers instead of HAL9's own, such as for measuring what carries the signals; default
	// nil. The objectives, which are L5's own, are then fed by nobody.
	NewLayer func(layers.Name) (layers.Layer, error)
	// Journal keeps the warnings and errors of the log that New gets; default nil: the process keeps its own.
	Journal *journal.Journal
	// Alone says that no other process works on this NATS: leases that a killed predecessor
	// left are void.
	Alone bool
	// Tracing says how traces are sent; default nil, for none.
	Tracing *tracing.Config
}

// DefaultConfig returns the defaults: all five layers with the default configuration.
func DefaultConfig() Config {
	return Config{
		Layers:   layers.Names(),
		File:     config.Default(),
		Pipeline: pipeline.DefaultConfig(),
		Web:      web.DefaultConfig(),
	}
}

// App is a process that is ready to run.
type App struct {
	cfg        Config
	log        *slog.Logger
	bus        *bus.Bus
	partitions int
	started    time.Time
	name       string // of this process

	decoder     *ingest.Decoder
	metrics     *telemetry.Metrics
	checkpoints *bus.Checkpoints
	gauge       *bus.Gauge
	leases      *bus.Leases
	pressures   *bus.Pressures
	scout       *bus.Scout
	roster      *bus.Roster // nil where this process shows itself only
	reflexive   *reflexive.Layer
	reflexes    *reflexes
	desk        *oncall.Desk
	runners     []*pipeline.Runner
	outbound    *outbound.Runner
	council     *consensus.Council
	teller      *outcome.Teller // nil where this process neither runs L4 nor speaks for the whole
	mover       *dead.Mover
	tracing     *tracing.Exporter // nil where this process sends no traces
	server      *web.Server

	tracker    atomic.Pointer[strategic.Tracker]  // set while this process feeds the objectives from verdicts
	situations atomic.Pointer[strategic.Tracker]  // and from situations
	kept       atomic.Pointer[kept]               // as last seen, where this process shows the whole
	reports    atomic.Pointer[[]strategic.Report] // as last seen
	outlook    atomic.Pointer[strategic.Outlook]  // as last seen
	queues     [layers.NameL5 + 1]atomic.Pointer[bus.Load]
}

// New makes the process's parts on a provisioned NATS; nothing runs yet. Where NATS is not
// provisioned the error names the command.
func New(ctx context.Context, cfg Config, b *bus.Bus, log *slog.Logger) (*App, error) {
	if cfg.Journal == nil {
		cfg.Journal = &journal.Journal{}
		log = slog.New(cfg.Journal.Handler(log.Handler()))
	}
	a := &App{cfg: cfg, log: log, bus: b, started: time.Now(), name: ProcessName(), metrics: telemetry.New()}
	a.metrics.SetBuild(cfg.Version, cfg.Commit)
	for _, step := range []func(context.Context) error{
		a.openBus, a.newDecoder, a.newReflexive, a.newReflexes, a.newRunners, a.newMover, a.newOutbound, a.newCouncil, a.newTracing,
		a.newServer,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *App) openBus(ctx context.Context) (err error) {
	if a.gauge, err = a.bus.Gauge(ctx); err != nil {
		return err
	}
	a.partitions = a.gauge.Partitions()
	if a.checkpoints, err = a.bus.Checkpoints(ctx); err != nil {
		return err
	}
	if a.pressures, err = a.bus.Pressures(ctx); err != nil {
		return err
	}
	if a.scout, err = a.bus.Scout(ctx); err != nil {
		return err
	}
	if a.cfg.Whole {
		a.roster = a.bus.Roster()
	}
	if a.leases, err = a.bus.Leases(ctx, a.name, a.cfg.Layers...); err != nil {
		return err
	}
	a.metrics.CountPartitions(a.leased(), a.leases.Owned)
	if a.cfg.Alone {
		return a.leases.Alone(ctx)
	}
	return a.bus.CheckAlone(ctx)
}

// ProcessName names this process among all that work on one NATS, anew with each call: a process asks once.
func ProcessName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))
}

// leased returns the layers of this process whose partitions have one owner each.
func (a *App) leased() (list []layers.Name) {
	for _, layer := range a.cfg.Layers {
		if key := (pipeline.StageKey{Layer: layer}); !key.Shared() {
			list = append(list, layer)
		}
	}
	return list
}

func (a *App) newDecoder(context.Context) (err error) {
	a.decoder, err = NewDecoder(a.cfg.File.Sources, a.bus)
	return err
}

// headRoom is what headers and findings may add to a signal, bytes.
const headRoom = 64 << 10

// NewDecoder returns the decoder of every door to L1. It bounds signals so that one, with what HAL9 adds to it, fits
// into one message of this NATS.
func NewDecoder(sources []ingest.SourceRule, b *bus.Bus) (*ingest.Decoder, error) {
	cfg := ingest.DefaultConfig()
	cfg.Sources = sources
	cfg.MaxSignalBytes = min(cfg.MaxSignalBytes, b.MaxPayload()-headRoom)
	return ingest.New(cfg)
}

// Run works until ctx ends, then stops in order: first nothing new comes in, then what is in
// flight is settled. It returns an error where something failed or did not finish in time.
func (a *App) Run(ctx context.Context, listener net.Listener) error {
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorking()

	var work errgroup.Group
	for _, runner := range a.runners {
		work.Go(func() error { return runner.Run(working) })
	}
	if a.outbound != nil {
		work.Go(func() error { return a.outbound.Run(working) })
	}
	if a.council != nil {
		work.Go(func() error { return a.council.Run(working) })
	}
	if a.teller != nil && a.runs(layers.NameL4) {
		work.Go(func() error { a.teller.Run(working); return nil })
	}
	if a.mover != nil {
		work.Go(func() error { a.mover.Run(working); return nil })
	}
	if a.tracing != nil {
		work.Go(func() error { a.tracing.Run(working); return nil })
	}
	for _, watch := range []func(context.Context){
		a.watchQueues, a.watchWhole, a.watchStaff, a.watchRoster, a.watchObjectives, a.watchOutlook, a.watchSpace, a.watchReflexes, a.watchTuning, a.pressures.Run, a.scout.Run,
		a.answerRoll,
	} {
		work.Go(func() error { watch(working); return nil })
	}
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(serving, listener) }()

	var err error
	select {
	case <-ctx.Done():
		stopServing()
		err = <-served
	case err = <-served:
		if err == nil {
			err = errors.New("app: the HTTP server ended by itself")
		}
	}
	stopWorking()
	return errors.Join(err, work.Wait())
}

// runs reports whether this process runs a layer.
func (a *App) runs(layer layers.Name) bool {
	return slices.Contains(a.cfg.Layers, layer)
}
