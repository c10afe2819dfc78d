package bench

import (
	"context"

	"github.com/2lab-ai/hal9/layers"
)

// relay is a layer that decides nothing: it hands every signal up, and the highest resolves it. With it
// the pipeline does what the bare loop does, with all that HAL9 promises.
type relay struct{ name layers.Name }

// Decide implements layers.Layer.
func (r relay) Decide(context.Context, *layers.Envelope) (layers.Decision, error) {
	if _, hasNext := r.name.Next(); hasNext {
		return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "passed on"}, nil
	}
	return layers.Decision{Disposition: layers.DispositionResolved, Reason: "passed through five layers"}, nil
}
