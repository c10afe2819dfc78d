package reflexive_test

import (
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// withDuplicates sends every fifth envelope a second time, stored under another sequence, and
// every seventh again under its own, as after a crash.
func withDuplicates() []*layers.Envelope {
	var all []*layers.Envelope
	for i, e := range layertest.Mixed(1, 600) {
		all = append(all, e)
		if i%5 == 0 {
			again := layertest.Clone(e)
			again.Origin += 1_000_000
			all = append(all, again)
		}
		if i%7 == 0 {
			all = append(all, layertest.Clone(e))
		}
	}
	return all
}

func TestConformance(t *testing.T) {
	cfg := reflexive.DefaultConfig()
	cfg.DedupEntries, cfg.AnswerEntries = 2000, 2000
	cfg.Rules = []reflexive.Rule{
		{Name: "orders", When: "source shop", Then: reflexive.ActionResolve, Reason: "orders are not watched"},
		{Name: "auth", When: "source auth", Then: reflexive.ActionEscalate},
	}
	layertest.Run(t, layertest.Harness{
		New: func(tb testing.TB) layers.Layer {
			tb.Helper()
			return newLayer(tb, cfg)
		},
		Envelopes:    withDuplicates,
		MaxHeapBytes: 4 << 20,
	})
}

func TestConformanceWithoutRules(t *testing.T) {
	layertest.Run(t, layertest.Harness{
		New: func(tb testing.TB) layers.Layer {
			tb.Helper()
			return newLayer(tb, reflexive.DefaultConfig())
		},
		Envelopes:    withDuplicates,
		MaxHeapBytes: 100 << 20,
	})
}
