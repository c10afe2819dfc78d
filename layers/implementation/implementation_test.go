package implementation_test

import (
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

func newLayer(tb testing.TB, cfg implementation.Config) *implementation.Layer {
	tb.Helper()
	l, err := implementation.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func decide(tb testing.TB, l *implementation.Layer, e *layers.Envelope) layers.Decision {
	tb.Helper()
	d, err := l.Decide(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}
