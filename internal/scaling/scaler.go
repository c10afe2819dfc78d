package scaling

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Scaler is one process that decides, or waits to, and serves what was decided.
type Scaler struct {
	cfg     Config
	bus     *bus.Bus
	log     *slog.Logger
	meter   *meter
	leases  *bus.Leases
	board   *Board
	metrics *Metrics
	kick    chan struct{} // measure now
	leading atomic.Bool
	beat    atomic.Int64 // when it last did something, Unix nanoseconds

	// What this scaler knew when it last decided; only while it leads.
	kept   *policy.Chain
	keptAt time.Time                       // of its last decisions
	last   map[layers.Name]policy.Decision // its own, or a predecessor's
}

// New returns a scaler on a provisioned NATS; owner names this process to people. Nothing runs yet.
func New(ctx context.Context, cfg Config, b *bus.Bus, owner string, log *slog.Logger) (*Scaler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Scaler{cfg: cfg, bus: b, log: log, board: newBoard(cfg.Fresh, time.Now), kick: make(chan struct{}, 1)}
	s.beat.Store(time.Now().UnixNano())
	var err error
	if s.meter, err = newMeter(ctx, b); err != nil {
		return nil, err
	}
	if s.leases, err = b.ScalerLeases(ctx, owner); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(s)
	return s, nil
}

// Board returns what was decided.
func (s *Scaler) Board() *Board { return s.board }

// Run works until ctx ends.
func (s *Scaler) Run(ctx context.Context) error {
	var work errgroup.Group
	for _, run := range []func(context.Context){s.meter.run, s.follow, s.takePart} {
		work.Go(func() error { run(ctx); return nil })
	}
	for _, layer := range layers.Names() {
		if s.cfg.Limits(layer).Min == 0 {
			work.Go(func() error { s.watchFirst(ctx, layer); return nil })
		}
	}
	return work.Wait()
}

// takePart decides whenever no other scaler does.
func (s *Scaler) takePart(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.leases.Hold(ctx, pipeline.StageScaler, s.lead)
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "this scaler stopped deciding and tries again", "error", err)
		}
		if pipeline.Pause(ctx, time.Second) != nil {
			return
		}
	}
}

// lead decides until ctx ends.
func (s *Scaler) lead(ctx context.Context, own pipeline.Ownership) error {
	s.log.InfoContext(ctx, "this scaler decides now")
	s.leading.Store(true)
	defer s.leading.Store(false)
	s.prepare(ctx)
	ticker := time.NewTicker(s.cfg.Every)
	defer ticker.Stop()
	for {
		if !own.Valid() {
			return nil
		}
		s.round(ctx)
		select {
		case <-ticker.C:
		case <-s.kick:
		case <-ctx.Done():
			return nil
		}
	}
}

const (
	resumeTime  = 10 * time.Minute // how old a predecessor's decision may be for its number to count
	prepareTime = 5 * time.Second  // for which the predecessor's decisions are asked for
)

// prepare makes the policies of all layers, as the last decisions left them. Where those are its own still, since it only lost its lease for
// a moment, it goes on with what it has seen.
func (s *Scaler) prepare(ctx context.Context) {
	others := false
	for _, layer := range layers.Names() {
		last, _ := s.board.Last(layer)
		others = others || last.At.After(s.keptAt)
	}
	if s.kept != nil && !others && time.Since(s.keptAt) < resumeTime {
		return
	}
	names := layers.Names()
	words, configs := make([]string, len(names)), make([]policy.Config, len(names))
	for i, layer := range names {
		words[i], configs[i] = layer.String(), s.cfg.Limits(layer)
	}
	s.kept, s.last = policy.NewChain(words, configs), map[layers.Name]policy.Decision{}
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	for _, layer := range names {
		if last := s.predecessor(ctx, layer); time.Since(last.At) < resumeTime {
			s.kept.Resume(last)
			s.last[layer] = last
		}
	}
}

// predecessor returns the last decision about a layer, empty where there is none: as it is stored or, where that is newer, as it was heard.
func (s *Scaler) predecessor(ctx context.Context, layer layers.Name) (last policy.Decision) {
	data, err := s.bus.LastDecision(ctx, layer)
	if err != nil {
		s.log.WarnContext(ctx, "the last decision can't be read: this scaler goes on from what it heard, or begins anew", "layer", layer, "error", err)
	}
	if data != nil && json.Unmarshal(data, &last) != nil {
		last = policy.Decision{} // It is of another version.
	}
	if heard, ok := s.board.Last(layer); ok && heard.At.After(last.At) {
		return heard
	}
	return last
}

// follow hears what other scalers decide as they publish it, whether it can be stored or not.
func (s *Scaler) follow(ctx context.Context) {
	for {
		listener, err := s.bus.Listen(ctx, pipeline.SubjectScaling+".*", s.hear)
		if err == nil {
			<-ctx.Done()
			_ = listener.Close() // It ends with the connection at the latest.
			return
		}
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "decisions of other scalers not heard, trying again", "error", err)
		}
		if pipeline.Pause(ctx, time.Second) != nil {
			return
		}
	}
}

func (s *Scaler) hear(m *bus.Message) {
	layer, err := layers.ParseName(strings.TrimPrefix(m.Subject, pipeline.SubjectScaling+"."))
	var d policy.Decision
	if err != nil || json.Unmarshal(m.Data, &d) != nil || s.leading.Load() {
		return
	}
	s.beat.Store(time.Now().UnixNano())
	if d.Error != "" {
		s.board.fail(layer, errors.New(d.Error), d.Missing)
		return
	}
	s.board.put(layer, d)
}

// watchFirst tells at once when a layer that stands still gets a signal.
func (s *Scaler) watchFirst(ctx context.Context, layer layers.Name) {
	var waiting errgroup.Group
	stop := context.CancelFunc(func() {})
	defer func() { stop(); _ = waiting.Wait() }()
	_ = s.board.FollowActive(ctx, layer, func(active bool) error { // It ends with ctx only.
		stop()
		_ = waiting.Wait()
		if active {
			return nil
		}
		var listening context.Context
		listening, stop = context.WithCancel(ctx)
		waiting.Go(func() error { s.awaitFirst(listening, layer); return nil })
		return nil
	})
}

func (s *Scaler) awaitFirst(ctx context.Context, layer layers.Name) {
	for ctx.Err() == nil {
		// What came just before it listened is seen by a measurement now.
		err := s.bus.AwaitSignal(ctx, layer, s.measureNow)
		if err == nil {
			s.log.InfoContext(ctx, "a first signal came in", "layer", layer)
			s.board.wake(layer)
			s.measureNow()
			return
		}
		if pipeline.Pause(ctx, time.Second) != nil {
			return
		}
	}
}

// measureNow has this scaler measure at once, where it is the one that decides.
func (s *Scaler) measureNow() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}
