package strategic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// reviewed returns what reaches L5: signals of which most bring a situation, many planned.
func reviewed() []*layers.Envelope {
	all := layertest.Mined(5, 300)
	for i, e := range all {
		if i%7 == 6 {
			continue
		}
		opened := all[i-i%3]
		e.Findings.Situation = &layers.Situation{
			ID: "sit-" + opened.ID, Event: layers.SituationUpdated, Revision: 1 + i%3, Key: opened.Key, Severity: layers.SeverityCritical,
			Title: "unusual on " + opened.Key, OpenedAt: opened.Time.AddDate(0, 0, i/10), UpdatedAt: e.Time, Members: 1,
		}
		if i%5 > 0 {
			e.Findings.PlanID = "plan-" + opened.ID
		}
	}
	return all
}

// flood returns situations on keys that have nothing in common, as long and as broken as nobody
// would send.
func flood(i int) *layers.Envelope {
	e := layertest.Flood(i)
	long := strings.Repeat("\xff\x00"+e.Source, 100)
	e.Findings.PlanID = e.ID + long
	e.Findings.Situation = &layers.Situation{ID: fmt.Sprint(i, long), Key: e.Key + long, OpenedAt: e.Time, Revision: 1}
	return e
}

func TestConformance(t *testing.T) {
	cfg := strategic.DefaultConfig()
	cfg.MaxKeys = 500
	layertest.Run(t, layertest.Harness{
		New: func(tb testing.TB) layers.Layer {
			tb.Helper()
			return newWith(tb, cfg, standing("availability", .4, 2), standing("latency", .3, 1))
		},
		Envelopes:        reviewed,
		Flood:            flood,
		Floods:           5000,
		MaxSnapshotBytes: 500 * 1200,
		MaxHeapBytes:     500 * 2000,
		Highest:          true,
	})
}

// TestReasonsStayReadable names what is too long or broken for a reason.
func TestReasonsStayReadable(t *testing.T) {
	var reports []strategic.Report
	for i := range 5 {
		reports = append(reports, standing(strings.Repeat("ö", 40), -1e6-float64(i), 1000))
	}
	l := newLayer(t, reports...)
	for i := range 20 {
		if err := layertest.CheckDecision(decide(t, l, flood(i))); err != nil {
			t.Error(err)
		}
	}
}
