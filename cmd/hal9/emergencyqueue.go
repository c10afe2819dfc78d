package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/layers"
)

// connect reaches NATS, where it can be.
func (f *scaleFlags) connect(ctx context.Context, log *slog.Logger) error {
	b, err := f.reachable(log)
	if err != nil {
		return err
	}
	if f.gauge, err = b.Gauge(ctx); err != nil {
		b.Close()
		return err
	}
	f.bus, f.partitions = b, f.gauge.Partitions()
	return nil
}

// How long a look at the queues may take: the first, on which the choice depends, and those while pods come.
const (
	lookTime   = 8 * time.Second
	glanceTime = 3 * time.Second
)

// queues measures the layers; unmeasured says of the others why they could not be.
func (f *scaleFlags) queues(ctx context.Context, within time.Duration) (queues cli.Queues, unmeasured map[layers.Name]string) {
	if f.bus == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	loads, failed := f.gauge.ReadAll(ctx)
	unmeasured = map[layers.Name]string{}
	for layer, err := range failed {
		unmeasured[layer] = fmt.Sprintf("%s: not measured: %s", layer, command.OneLine(err))
	}
	return loads, unmeasured
}

// behindAfter is how old the oldest signal of a layer is that is behind.
const behindAfter = 30 * time.Second

// choose returns the layers that are behind, all where no queue is known. One that could not be measured has to be named:
// that it is behind is not known.
func (f *scaleFlags) choose(queues cli.Queues, unmeasured map[layers.Name]string) (behind []layers.Name, err error) {
	if f.bus == nil {
		return layers.Names(), nil
	}
	for _, layer := range layers.Names() {
		if queues[layer].Oldest > behindAfter {
			behind = append(behind, layer)
		}
	}
	if len(behind) > 0 {
		return behind, nil
	}
	const which = "say which with --layer L3, or --layer all"
	if len(unmeasured) > 0 {
		return nil, fmt.Errorf("no layer is known to be behind (%s): %s", strings.Join(reasons(unmeasured), "; "), which)
	}
	return nil, fmt.Errorf("no layer is behind (no signal is older than %s): %s", behindAfter, which)
}

// reasons lists what could not be measured, in the order of the layers.
func reasons(unmeasured map[layers.Name]string) []string {
	return slices.Sorted(maps.Values(unmeasured))
}

// warn adds what only NATS knows.
func (f *scaleFlags) warn(draft *emergency.Draft, unmeasured map[layers.Name]string) {
	draft.Warnings = append(draft.Warnings, reasons(unmeasured)...)
	for i := range draft.Plans {
		p := &draft.Plans[i]
		if f.partitions > 0 && p.Standing.Layer != layers.NameL1 && p.Idle == "" && f.options.Replicas > f.partitions {
			p.Notes = append(p.Notes, fmt.Sprintf("it has %d partitions: replicas beyond %d have nothing to do", f.partitions, f.partitions))
		}
	}
}
