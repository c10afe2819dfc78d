// Package assembly makes the layers that a configuration asks for: the same ones for the process that
// runs them over NATS and for whoever lets signals pass through them without it. Whatever a layer takes
// from hal9.yaml it takes here.
package assembly

import (
	"fmt"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/operational"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

// Kit is what layers are made from.
type Kit struct {
	File    config.File
	Reports func() []strategic.Report           // how the objectives stand; L5 needs it
	Changes func(key string) []strategic.Change // what changed about a key, for L5; nil where nobody knows
}

// Layer returns a new layer for a stage.
func (k *Kit) Layer(key pipeline.StageKey) (layers.Layer, error) {
	switch key.Layer {
	case layers.NameL1:
		return reflexive.New(k.Reflexive(), expr.Signal)
	case layers.NameL2:
		cfg := implementation.DefaultConfig()
		cfg.Neurons = k.File.Neurons
		for i := range k.File.Patterns {
			for _, expression := range k.File.Patterns[i].Conditions() {
				holds, err := expr.Signal(expression)
				if err != nil {
					return nil, fmt.Errorf("assembly: pattern %q: %w", k.File.Patterns[i].Name, err)
				}
				cfg.Watched = append(cfg.Watched, holds)
			}
		}
		return implementation.New(cfg)
	case layers.NameL3:
		cfg := operational.DefaultConfig()
		cfg.Lateness = k.File.Windows.Lateness
		cfg.SituationGap = k.File.Windows.Situation
		cfg.MaxKeys = seriesOf(cfg.MaxKeys, key.Partitions)
		cfg.Partitions, cfg.Partition = max(1, key.Partitions), key.Partition
		cfg.Patterns = k.File.Patterns
		return operational.New(cfg, key.Partition == 0, expr.Signal)
	case layers.NameL4:
		cfg := tactical.DefaultConfig()
		cfg.Playbooks = k.File.Playbooks
		cfg.MaxMemory = situationsOf(key.Partition)
		return tactical.New(cfg, expr.Situation)
	case layers.NameL5:
		return strategic.New(k.strategic(), k.Reports, k.Changes)
	default:
		return nil, fmt.Errorf("assembly: there is no layer %s", key.Layer)
	}
}

// Reflexive returns the configuration of L1.
func (k *Kit) Reflexive() reflexive.Config {
	cfg := reflexive.DefaultConfig()
	cfg.Rules = k.File.Rules
	cfg.DedupWindow, cfg.AlertWindow = k.File.Windows.Dedup, k.File.Windows.Alert
	cfg.Inhibit, cfg.Flapping = k.File.Inhibit, k.File.Flapping
	cfg.Scope = expr.SignalScope
	return cfg
}

// Tracker returns a new tracker of what is counted from verdicts.
func (k *Kit) Tracker() (*strategic.Tracker, error) {
	return strategic.NewTracker(k.strategic(), Expressions())
}

// SituationTracker returns a new tracker of the objectives over situations.
func (k *Kit) SituationTracker() (*strategic.Tracker, error) {
	return strategic.NewSituationTracker(k.strategic(), Expressions())
}

// Mark returns what L5 is to count of a signal, for L1; nil where that is nothing.
func (k *Kit) Mark() (func(*layers.Signal) []layers.Mark, error) {
	marker, err := strategic.NewMarker(k.strategic(), Expressions())
	if err != nil || marker == nil {
		return nil, err
	}
	return marker.Mark, nil
}

// Expressions compile what L5 is told in expressions.
func Expressions() strategic.Expressions {
	return strategic.Expressions{Verdict: expr.Verdict, Signal: expr.Signal, Situation: expr.Situation, Number: expr.Number, Text: expr.Text}
}

func (k *Kit) strategic() strategic.Config {
	cfg := strategic.DefaultConfig()
	cfg.Objectives = k.File.Objectives
	cfg.Metrics = k.File.Metrics
	return cfg
}

// How many series L3 remembers: the snapshots of all partitions, 914 bytes a series, share one bucket.
const (
	seriesInAll = 150_000
	seriesLeast = 2_500 // of one partition, however many there are
)

// How many situations L4 remembers. Each takes some 3 KiB of memory and 1 KiB of HAL9_MEMORY.
const (
	situationsMost  = 20_000
	situationsLeast = 1_000 // where none should come
)

// situationsOf returns how many situations a partition remembers.
func situationsOf(partition int) int {
	if partition == pipeline.PartitionMemory {
		return situationsMost
	}
	return situationsLeast
}

// seriesOf returns how many series a partition remembers, where one alone would remember most.
func seriesOf(most, partitions int) int {
	return min(most, max(seriesLeast, seriesInAll/max(1, partitions)))
}
