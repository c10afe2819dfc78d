package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/operational"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

// newRunners makes one runner for each partition of each layer of this process, and one for
// the objectives where it runs L5.
func (a *App) newRunners(ctx context.Context) error {
	if err := a.checkProvisioned(ctx); err != nil {
		return err
	}
	for _, layer := range a.cfg.Layers {
		for _, key := range pipeline.StagesOf(layer, a.partitions) {
			if err := a.addRunner(a.spec(key)); err != nil {
				return err
			}
		}
	}
	if a.runs(layers.NameL1) {
		if err := a.addRunner(a.spec(pipeline.ScoutKey(a.partitions))); err != nil {
			return err
		}
	}
	if !a.runs(layers.NameL5) || a.cfg.NewLayer != nil {
		return nil
	}
	return a.addRunner(pipeline.Spec{
		Key:      pipeline.StageKey{Layer: layers.NameL5, Objectives: true},
		Verdicts: func() (pipeline.VerdictObserver, error) { return a.newTracker() },
	})
}

func (a *App) addRunner(spec pipeline.Spec) error {
	cfg := a.cfg.Pipeline
	cfg.MaxRecordBytes = a.bus.MaxPayload() - recordHead
	cfg.InOrder = cfg.InOrder || a.cfg.File.InOrder
	runner, err := pipeline.NewRunner(spec, cfg, pipeline.Deps{
		Broker: a.bus, Checkpoints: a.checkpoints, Leases: a.leases, Observer: a.metrics, Pressure: a.pressures, Scouting: a.scout, Log: a.log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	a.runners = append(a.runners, runner)
	return nil
}

// recordHead is what the headers of a record may take, bytes.
const recordHead = 4 << 10

// checkProvisioned asks for the consumers of this process before anything starts.
func (a *App) checkProvisioned(ctx context.Context) error {
	for _, layer := range a.cfg.Layers {
		if _, err := a.bus.Queue(ctx, layer, a.partitions); err != nil {
			return fmt.Errorf("app: %s can't start: run `hal9 provision --nats %s` first: %w", layer, a.bus.URL(), err)
		}
	}
	return nil
}

func (a *App) spec(key pipeline.StageKey) pipeline.Spec {
	spec := pipeline.Spec{Key: key, Decoder: a.decoderOf(key.Layer)}
	spec.NewLayer = func() (layers.Layer, error) { return a.newLayer(key) }
	if a.cfg.NewLayer != nil {
		spec.NewLayer = func() (layers.Layer, error) { return a.cfg.NewLayer(key.Layer) }
	}
	return spec
}

func (a *App) newLayer(key pipeline.StageKey) (layers.Layer, error) {
	switch key.Layer {
	case layers.NameL1:
		if key.Scouts() {
			cfg := a.reflexiveConfig()
			cfg.IgnoreRepeats = true // It does not see when an alert is over.
			return reflexive.New(cfg, expr.Signal)
		}
		return a.reflexive, nil // It keeps what it remembers over a restart of its stage.
	case layers.NameL2:
		cfg := implementation.DefaultConfig()
		cfg.Neurons = a.cfg.File.Neurons
		return implementation.New(cfg)
	case layers.NameL3:
		cfg := operational.DefaultConfig()
		cfg.Lateness = a.cfg.File.Windows.Lateness
		cfg.SituationGap = a.cfg.File.Windows.Situation
		cfg.MaxKeys = seriesOf(cfg.MaxKeys, key.Partitions)
		return operational.New(cfg, key.Partition == 0)
	case layers.NameL4:
		cfg := tactical.DefaultConfig()
		cfg.Playbooks = a.cfg.File.Playbooks
		return tactical.New(cfg, expr.Situation)
	case layers.NameL5:
		return strategic.New(a.strategicConfig(), a.lastReports)
	default:
		return nil, fmt.Errorf("app: there is no layer %s", key.Layer)
	}
}

// How many series L3 remembers: the snapshots of all partitions, 775 bytes a series, share one bucket.
const (
	seriesInAll = 150_000
	seriesLeast = 2_500 // of one partition, however many there are
)

// seriesOf returns how many series a partition remembers, where one alone would remember most.
func seriesOf(most, partitions int) int {
	return min(most, max(seriesLeast, seriesInAll/max(1, partitions)))
}

func (a *App) strategicConfig() strategic.Config {
	cfg := strategic.DefaultConfig()
	cfg.Objectives = a.cfg.File.Objectives
	return cfg
}

func (a *App) newTracker() (*strategic.Tracker, error) {
	tracker, err := strategic.NewTracker(a.strategicConfig(), expr.Verdict)
	if err != nil {
		return nil, err
	}
	a.tracker.Store(tracker)
	return tracker, nil
}

// rememberMost bounds how many verdicts L1 reads when it starts: it must be ready soon.
const rememberMost = 30_000

func (a *App) reflexiveConfig() reflexive.Config {
	cfg := reflexive.DefaultConfig()
	cfg.Rules = a.cfg.File.Rules
	cfg.DedupWindow = a.cfg.File.Windows.Dedup
	return cfg
}

// newReflexive makes L1 and tells it which identities have their verdict already.
func (a *App) newReflexive(ctx context.Context) (err error) {
	if !a.runs(layers.NameL1) {
		return nil
	}
	cfg := a.reflexiveConfig()
	if a.reflexive, err = reflexive.New(cfg, expr.Signal); err != nil {
		return err
	}
	since := time.Now().Add(-cfg.DedupWindow)
	return a.bus.Since(ctx, pipeline.StreamVerdicts, since, rememberMost, func(m *bus.Message) {
		var v struct {
			Source   string `json:"source"`
			SignalID string `json:"signal_id"`
		}
		if json.Unmarshal(m.Data, &v) == nil {
			a.reflexive.Remember(v.Source, v.SignalID)
		}
	})
}
