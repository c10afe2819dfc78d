package app

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/tuning"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// tuningPeriod is how often the process looks whether a tuning changed.
const tuningPeriod = time.Second

// Of which verdicts neurons learn what a label is not.
const (
	backgroundMost = 5_000
	backgroundTime = 24 * time.Hour
	backgroundKept = 500
)

// watchTuning tells the layers of this process how their tunings stand, and where it runs L5 proposes what follows from what
// people said.
func (a *App) watchTuning(ctx context.Context) {
	if len(a.cfg.Layers) == 0 {
		return
	}
	var shelf *tuning.Shelf
	told := make(map[layers.Name]string)
	var looked uint64
	var derived string
	every(ctx, tuningPeriod, func(ctx context.Context) {
		if shelf == nil {
			opened, err := tuning.Open(ctx, a.bus, time.Now)
			if err != nil {
				if ctx.Err() == nil {
					a.log.WarnContext(ctx, "tunings unknown", "error", err)
				}
				return // The next round tries again.
			}
			shelf = opened
		}
		seq, err := a.bus.LastSequence(ctx, "KV_"+pipeline.BucketTuning)
		if err == nil && seq != looked && a.verdictsCounted() != nil {
			if derived, err = a.derive(ctx, shelf, derived); err == nil {
				looked = seq
			}
		}
		for _, layer := range tuning.Layers() {
			if a.runs(layer) { // What is wrong with one layer's tuning keeps nothing from the other.
				err = errors.Join(err, a.tellTuning(ctx, shelf, layer, told))
			}
		}
		if err != nil && ctx.Err() == nil {
			a.log.DebugContext(ctx, "tunings not exchanged", "error", err)
		}
	})
}

// tellTuning writes a note into the streams of a layer where its tuning is another one than this process has told. Whoever else runs
// the layer does the same; a layer that hears it twice hears nothing new.
func (a *App) tellTuning(ctx context.Context, shelf *tuning.Shelf, layer layers.Name, told map[layers.Name]string) error {
	state, err := shelf.State(ctx, layer)
	if err != nil || told[layer] == state.Revision() || state.Untouched() {
		return err
	}
	if state.Unreadable != "" {
		a.log.WarnContext(ctx, "a proposal can't be read and counts as none: hal9 tuning drop removes it", "layer", layer, "error", state.Unreadable)
	}
	note, err := state.Note(time.Now())
	if err != nil {
		return err
	}
	records, err := pipeline.NoteRecords(layer, a.partitions, note)
	if err == nil {
		err = a.bus.Publish(ctx, records)
	}
	if err == nil {
		told[layer] = state.Revision()
		a.log.InfoContext(ctx, "tuning told", "layer", layer, "version", state.Live.Version, "shadow", state.Shadow != nil)
	}
	return err
}

// derive proposes what follows, where what it follows from is not what it was before: a proposal must not bring about the next one.
func (a *App) derive(ctx context.Context, shelf *tuning.Shelf, before string) (said string, err error) {
	if said, err = shelf.Said(ctx); err != nil || said == before {
		return before, err
	}
	changed, err := shelf.Derive(ctx, tuning.Witness{Background: a.background, Outcomes: a.outcomes})
	for _, layer := range changed {
		a.log.InfoContext(ctx, "tuning proposed", "layer", layer)
	}
	if err != nil {
		return before, err
	}
	return said, nil
}

// Which plans bear witness.
const (
	outcomesMost = 10_000
	outcomesTime = 31 * 24 * time.Hour
)

// outcomes returns what plans that were carried out say about their situations.
func (a *App) outcomes(ctx context.Context) (list []tuning.Feedback, err error) {
	err = a.bus.Since(ctx, pipeline.StreamPlans, time.Now().Add(-outcomesTime), outcomesMost, func(m *bus.Message) {
		var p layers.Plan
		if json.Unmarshal(m.Data, &p) != nil {
			return
		}
		if f, ok := tuning.Acted(&p, m.Stored); ok {
			list = append(list, f)
		}
	})
	return list, err
}

// background returns the features of the last verdicts, each once.
func (a *App) background(ctx context.Context) (list [][]string, err error) {
	seen := make(map[string]bool)
	err = a.bus.Since(ctx, pipeline.StreamVerdicts, time.Now().Add(-backgroundTime), backgroundMost, func(m *bus.Message) {
		var v layers.Verdict
		if json.Unmarshal(m.Data, &v) != nil || v.TemplateID == "" || seen[v.TemplateID+v.Severity.String()] || len(list) == backgroundKept {
			return
		}
		seen[v.TemplateID+v.Severity.String()] = true
		list = append(list, tuning.Features(&v))
	})
	slices.SortFunc(list, slices.Compare)
	return list, err
}
