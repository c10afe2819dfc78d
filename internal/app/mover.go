package app

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/internal/assembly"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// newMover has the process that runs L1, and so knows how signals from outside are read, make dead
// letters of what JetStream gave up on.
func (a *App) newMover(ctx context.Context) (err error) {
	if !a.runs(layers.NameL1) {
		return nil
	}
	cfg := dead.DefaultMoverConfig()
	cfg.Partitions, cfg.MaxRecordBytes = a.partitions, a.bus.MaxPayload()-recordHead
	a.mover, err = dead.NewMover(ctx, cfg, dead.MoverDeps{
		Bus: a.bus, Checkpoints: a.checkpoints, Decoder: a.decoderOf, Observer: a.metrics, Log: a.log, Now: time.Now,
	})
	return err
}

// decoderOf returns how a layer's messages are read.
func (a *App) decoderOf(layer layers.Name) pipeline.Decoder {
	if layer == layers.NameL1 {
		return assembly.Signals{Decoder: a.decoder}
	}
	return pipeline.Envelopes{}
}
