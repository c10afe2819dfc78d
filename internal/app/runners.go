package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/internal/assembly"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/pipeline"
)

// newRunners makes one runner for each partition of each layer of this process, and one for
// the objectives where it runs L5.
func (a *App) newRunners(ctx context.Context) error {
	if err := a.checkProvisioned(ctx); err != nil {
		return err
	}
	var keys []pipeline.StageKey
	for _, layer := range a.cfg.Layers {
		keys = append(keys, pipeline.StagesOf(layer, a.partitions)...)
	}
	if a.runs(layers.NameL1) {
		keys = append(keys, pipeline.ScoutKey(a.partitions))
	}
	for _, key := range keys {
		spec, err := a.spec(key)
		if err == nil {
			err = a.addRunner(spec)
		}
		if err != nil {
			return err
		}
	}
	if !a.runs(layers.NameL5) || a.cfg.NewLayer != nil {
		return nil
	}
	for _, key := range pipeline.ObjectiveStages() {
		spec := pipeline.Spec{Key: key, Tally: func() (pipeline.Tally, error) { return a.newTally(key) }}
		if err := a.addRunner(spec); err != nil {
			return err
		}
	}
	return nil
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

// checkProvisioned asks for the consumers that this process needs before anything starts.
func (a *App) checkProvisioned(ctx context.Context) error {
	for _, layer := range a.watched() {
		if err := a.bus.CheckLayer(ctx, layer, a.partitions); err != nil {
			return fmt.Errorf("app: %s can't start: %w", layer, err)
		}
	}
	return nil
}

func (a *App) spec(key pipeline.StageKey) (spec pipeline.Spec, err error) {
	spec = pipeline.Spec{Key: key, Decoder: a.decoderOf(key.Layer)}
	if a.cfg.NewLayer != nil {
		spec.NewLayer = func() (layers.Layer, error) { return a.cfg.NewLayer(key.Layer) }
		return spec, nil
	}
	spec.NewLayer = func() (layers.Layer, error) { return a.newLayer(key) }
	if key.Layer == layers.NameL1 {
		spec.Mark, err = a.kit().Mark()
	}
	return spec, err
}

func (a *App) newLayer(key pipeline.StageKey) (layers.Layer, error) {
	switch {
	case key.Layer == layers.NameL1 && key.Scouts():
		return a.reflexive.Scout()
	case key.Layer == layers.NameL1:
		return a.reflexive, nil // It keeps what it remembers over a restart of its stage.
	}
	return a.kit().Layer(key)
}

// kit is what this process makes its layers from.
func (a *App) kit() *assembly.Kit {
	return &assembly.Kit{File: a.cfg.File, Reports: a.lastReports, Changes: a.changesOf}
}

// rememberMost bounds how many verdicts L1 reads when it starts: it must be ready soon.
const rememberMost = 30_000

// newReflexive makes L1 and tells it which identities have their verdict already.
func (a *App) newReflexive(ctx context.Context) (err error) {
	if !a.runs(layers.NameL1) {
		return nil
	}
	cfg := a.kit().Reflexive()
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
