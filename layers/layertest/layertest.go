// Package layertest is the conformance suite that every layer must satisfy: valid decisions
// with reasons for people, determinism, snapshots that change nothing, errors that leave no
// trace, inputs that mean harm, and bounded memory. It also makes the realistic input that the
// tests of the layers share.
package layertest

import (
	"context"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// Harness says how a layer is made and what it is fed.
type Harness struct {
	// New returns a fresh layer. All layers it returns must be configured alike.
	New func(tb testing.TB) layers.Layer
	// Envelopes returns a realistic input as it arrives at this layer, in order, the same at
	// every call; Mixed and Mined make one. The suite works on copies of it.
	Envelopes func() []*layers.Envelope
	// Failing returns envelopes that the layer must answer with an error; nil where there are
	// none.
	Failing func() []*layers.Envelope
	// Flood returns the i-th of many envelopes that have nothing in common; nil means Flood.
	Flood func(i int) *layers.Envelope
	// Floods is how many of them are sent; 0 means 100,000.
	Floods int
	// MaxSnapshotBytes bounds the snapshot of a layers.Keeper after the flood. It must be set
	// for a Keeper.
	MaxSnapshotBytes int
	// MaxHeapBytes bounds what the heap grows by in the flood; 0 means that it is not looked
	// at. It must be set for a layer that is no Keeper.
	MaxHeapBytes int
	// Highest is true for the layer above which there is none: it hands nothing up.
	Highest bool
}

// Run checks everything that a layer must satisfy.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(t, h); err != nil {
				t.Error(err)
			}
		})
	}
}

type check struct {
	name  string
	check func(tb testing.TB, h Harness) error
}

// checks return errors instead of failing the test, so that the suite itself can be tested
// with layers that break the rules.
func checks() []check {
	return []check{
		{"decisions are valid and explained", checkDecisions},
		{"only findings are written", checkUntouched},
		{"same input same decisions", checkDeterminism},
		{"an error leaves no trace", checkErrors},
		{"hostile input", checkHostile},
		{"snapshot and restore change nothing", checkSnapshots},
		{"snapshots are deterministic", checkSnapshotBytes},
		{"rubbish is no snapshot", checkRubbish},
		{"memory is bounded", checkBounds},
		{"ticks", checkTicks},
	}
}

// decide is Decide with the test's context and a copy of e, which it returns beside the
// decision.
func decide(tb testing.TB, l layers.Layer, e *layers.Envelope) (*layers.Envelope, layers.Decision, error) {
	tb.Helper()
	return decideWith(tb.Context(), l, e)
}

func decideWith(ctx context.Context, l layers.Layer, e *layers.Envelope) (*layers.Envelope, layers.Decision, error) {
	c := Clone(e)
	d, err := l.Decide(ctx, c)
	return c, d, err
}
