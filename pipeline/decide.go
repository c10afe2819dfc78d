package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Decoder turns what stands in a stage's stream into envelopes.
type Decoder interface {
	// Decode returns the envelope of a delivery; its errors are permanent.
	Decode(d *Delivery) (*layers.Envelope, error)
	// Name returns source and id under which a delivery is reported that Decode refuses.
	Name(d *Delivery) (source, id string)
}

// layerWorker lets a layer decide deliveries.
type layerWorker struct {
	key     StageKey
	cfg     Config
	deps    Deps
	layer   layers.Layer
	decoder Decoder
}

// handle never returns an error that the same delivery would cause again: what can't be
// decided becomes a dead letter.
func (w *layerWorker) handle(ctx context.Context, d *Delivery) (effect, error) {
	start := w.deps.Now()
	e, err := w.decoder.Decode(d)
	if err != nil {
		return w.dead(d, w.unnamed(d), failure{err: err, attempts: 1, start: start})
	}
	decision, attempts, err := w.decide(ctx, e)
	if err != nil && ctx.Err() != nil {
		return effect{}, fmt.Errorf("pipeline: %s stopped while it decided: %w", w.key.Name(), context.Cause(ctx))
	}
	if err != nil {
		return w.dead(d, e, failure{err: err, attempts: attempts, start: start})
	}
	done, err := w.follow(e, &decision, d, start)
	if layers.IsPermanent(err) {
		return w.dead(d, e, failure{err: err, attempts: attempts, start: start})
	}
	return done, err
}

// decide asks the layer, several times where it fails in passing.
func (w *layerWorker) decide(ctx context.Context, e *layers.Envelope) (layers.Decision, int, error) {
	delay := w.cfg.RetryDelay
	for attempt := 1; ; attempt++ {
		decision, err := w.try(ctx, e)
		if err == nil || layers.IsPermanent(err) || attempt == w.cfg.MaxAttempts {
			return decision, attempt, err
		}
		w.deps.Log.WarnContext(ctx, "layer failed, trying again", "stage", w.key.Name(), "signal", e.ID, "attempt", attempt, "error", err)
		if err := pause(ctx, delay); err != nil {
			return layers.Decision{}, attempt, err
		}
		delay *= 2
	}
}

// try asks the layer once. A panic is a failure like any other: the next signal is decided.
func (w *layerWorker) try(ctx context.Context, e *layers.Envelope) (decision layers.Decision, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.deps.Log.ErrorContext(ctx, "layer panicked", "stage", w.key.Name(), "signal", e.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("pipeline: layer %s panicked: %v", w.key.Layer, p)
		}
	}()
	decision, err = w.layer.Decide(ctx, e)
	if err != nil {
		return decision, err
	}
	return decision, w.check(&decision)
}

func (w *layerWorker) check(d *layers.Decision) error {
	_, hasNext := w.key.Layer.Next()
	switch {
	case d.Disposition < layers.DispositionSuppressed || d.Disposition >= layers.DispositionDead:
		return layers.Permanent(fmt.Errorf("pipeline: layer %s answered with disposition %s", w.key.Layer, d.Disposition))
	case d.Disposition == layers.DispositionEscalated && !hasNext:
		return layers.Permanent(errors.New("pipeline: the highest layer handed a signal up"))
	default:
		return nil
	}
}

// unnamed returns an envelope for a delivery that could not be decoded.
func (w *layerWorker) unnamed(d *Delivery) *layers.Envelope {
	source, id := w.decoder.Name(d)
	return &layers.Envelope{
		Signal:      layers.Signal{ID: id, Source: source, Key: source, Time: d.Stored},
		Origin:      d.Seq,
		ReceivedAt:  d.Stored,
		TraceParent: TraceParentOf(source, id),
	}
}

func (w *layerWorker) tick(now time.Time) ([]Record, error) {
	ticker, ok := w.layer.(layers.Ticker)
	if !ok {
		return nil, nil
	}
	return eventRecords(ticker.Tick(now), "")
}

func (w *layerWorker) waiting() bool {
	ticker, ok := w.layer.(layers.Ticker)
	return ok && ticker.Waiting()
}

func (w *layerWorker) snapshot() (state []byte, keeps bool, err error) {
	keeper, ok := w.layer.(layers.Keeper)
	if !ok {
		return nil, !w.key.Shared(), nil
	}
	state, err = keeper.Snapshot()
	return state, true, err
}

func (w *layerWorker) restore(state []byte) error {
	keeper, ok := w.layer.(layers.Keeper)
	if !ok {
		return nil
	}
	return keeper.Restore(state)
}

// pause waits for d or until ctx ends, and then says why it ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
