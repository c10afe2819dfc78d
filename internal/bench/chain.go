package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/internal/assembly"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/operational"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// chain is the five layers with their default configuration and nothing between them.
type chain struct {
	decoder *ingest.Decoder
	layers  []layers.Layer
	seq     uint64
}

func newChain() (*chain, error) {
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		return nil, err
	}
	tracker, err := strategic.NewTracker(strategic.DefaultConfig(), assembly.Expressions())
	if err != nil {
		return nil, err
	}
	c := &chain{decoder: decoder}
	for _, build := range []func() (layers.Layer, error){
		func() (layers.Layer, error) { return reflexive.New(reflexive.DefaultConfig(), expr.Signal) },
		func() (layers.Layer, error) { return implementation.New(implementation.DefaultConfig()) },
		func() (layers.Layer, error) { return operational.New(operational.DefaultConfig(), true, expr.Signal) },
		func() (layers.Layer, error) { return tactical.New(tactical.DefaultConfig(), expr.Situation) },
		func() (layers.Layer, error) {
			return strategic.New(strategic.DefaultConfig(), tracker.Reports, tracker.ChangesOf)
		},
	} {
		layer, err := build()
		if err != nil {
			return nil, err
		}
		c.layers = append(c.layers, layer)
	}
	return c, nil
}

// decide lets a signal climb until a layer answers it, and returns how long each layer took that saw it.
func (c *chain) decide(ctx context.Context, data []byte, spent []time.Duration) ([]time.Duration, error) {
	e, err := c.decode(data)
	if err != nil {
		return nil, err
	}
	for i, layer := range c.layers {
		began := time.Now()
		d, err := layer.Decide(ctx, e)
		spent = append(spent, time.Since(began))
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", layers.Names()[i], err)
		}
		if d.Disposition != layers.DispositionEscalated {
			break
		}
	}
	return spent, nil
}

func (c *chain) decode(data []byte) (*layers.Envelope, error) {
	c.seq++
	now := time.Now()
	item, err := c.decoder.Message(ingest.Message{Subject: benchSubject, Data: data, Seq: c.seq, Stored: now})
	if err != nil {
		return nil, err
	}
	return &layers.Envelope{Signal: item.Signal, Origin: c.seq, ReceivedAt: now}, nil
}
