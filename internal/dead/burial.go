package dead

import (
	"context"
	"errors"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// bury stores letters and verdicts of one layer, of the signals that have neither a verdict nor went up.
// Letters go first: where a verdict is, its letter is, too.
func (m *Mover) bury(ctx context.Context, layer layers.Name, list []body) error {
	known, err := m.known(ctx, layer, list)
	if err != nil {
		return err
	}
	var letters, verdicts []pipeline.Record
	for i := range list {
		letter, verdict := list[i].records[0], list[i].records[1]
		if decided(known, verdict.ID) {
			list[i].records = nil
			continue
		}
		if _, ok := known[letter.ID]; !ok {
			letters = append(letters, letter)
		}
		verdicts = append(verdicts, verdict)
	}
	if err := m.deps.Bus.Publish(ctx, letters); err != nil {
		return err
	}
	if err := m.deps.Bus.Publish(ctx, verdicts); err != nil {
		return err
	}
	if len(verdicts) > 0 {
		m.deps.Log.WarnContext(ctx, "dead letters for signals that JetStream gave up on", "layer", layer, "signals", len(verdicts))
	}
	var problems []error
	for i := range list {
		m.observe(ctx, &list[i])
		if list[i].last {
			problems = append(problems, list[i].advisory.Done(ctx))
		}
	}
	return errors.Join(problems...)
}

// known returns which ids of the bodies are stored: where the layer's answers to them would be.
func (m *Mover) known(ctx context.Context, layer layers.Name, list []body) (map[string]struct{}, error) {
	ids, inside := map[string]struct{}{}, map[string]struct{}{}
	var since time.Time
	for i := range list {
		for _, record := range list[i].records {
			ids[record.ID] = struct{}{}
		}
		if list[i].from.Layer != layer { // else it is itself what was handed on
			inside[list[i].records[1].ID+bus.WithinLayer] = struct{}{}
		}
		if since.IsZero() || list[i].delivery.Stored.Before(since) {
			since = list[i].delivery.Stored
		}
	}
	since = since.Add(-noteMargin)
	streams := []string{pipeline.StreamVerdicts, pipeline.StreamDead}
	if next, ok := layer.Next(); ok {
		streams = append(streams, streamsFrom(next, m.cfg.Partitions)...)
	}
	known, err := m.deps.Bus.Seen(ctx, streams, since, ids)
	if err != nil || layer != layers.NameL3 {
		return known, err
	}
	// L3 hands what it flags to its own first partition.
	own := []string{pipeline.StreamOf(layer, 0, m.cfg.Partitions)}
	flagged, err := m.deps.Bus.Seen(ctx, own, since, inside)
	for id := range flagged {
		known[id] = struct{}{}
	}
	return known, err
}

// decided reports whether a signal has its verdict or was handed on.
func decided(known map[string]struct{}, id string) bool {
	_, done := known[id]
	_, flagged := known[id+bus.WithinLayer]
	return done || flagged
}

// observe counts a signal that has become a dead letter.
func (m *Mover) observe(ctx context.Context, b *body) {
	if len(b.records) == 0 {
		return
	}
	m.deps.Log.DebugContext(ctx, "dead letter for a signal that JetStream gave up on", "stage", b.key.Name(), "seq", b.advisory.Seq, "signal", b.envelope.ID)
	m.deps.Observer.Decided(b.key.Layer, layers.DispositionDead, max(0, m.deps.Now().Sub(b.delivery.Stored)), 0)
	m.deps.Observer.Final(b.key.Layer, max(0, m.deps.Now().Sub(b.envelope.ReceivedAt)))
	m.deps.Observer.Dead(b.key.Layer)
}
