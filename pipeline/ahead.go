package pipeline

import (
	"context"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// Ahead is a layer that decides critical signals before L1 comes to what stands before them.
type Ahead interface {
	// Begin forgets what was seen in the range before.
	Begin()
	// Sees takes in a signal of the range that may tell something of those that the layer decides. It reports whether others that
	// come by the same subject may tell something of this one.
	Sees(e *layers.Envelope) bool
}

// Behind is a layer of L1 that takes in, in their turn, the signals that the scout answers for.
type Behind interface {
	Passes(e *layers.Envelope)
}

// show has the layer see a signal, and reports what it says to that.
func (w *layerWorker) show(ctx context.Context, e *layers.Envelope) (matters bool) {
	defer w.caught(ctx, e)
	ahead, ok := w.layer.(Ahead)
	return ok && ahead.Sees(e)
}

// caught ends a panic over a signal that somebody else answers for, and who makes a dead letter of it.
func (w *layerWorker) caught(ctx context.Context, e *layers.Envelope) {
	if r := recover(); r != nil {
		w.deps.Log.ErrorContext(ctx, "layer panicked", "stage", w.key.Name(), "signal", e.ID, "panic", fmt.Sprint(r))
	}
}

// begin has the layer forget what it saw in another range. What comes by a subject that had alerts may be about them in any.
func (w *layerWorker) begin() {
	if ahead, ok := w.layer.(Ahead); ok {
		ahead.Begin()
	}
}
