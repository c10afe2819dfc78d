package tactical_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// climbing returns what reaches L4: signals of which most open or worsen a situation.
func climbing() []*layers.Envelope {
	all := layertest.Mined(4, 400)
	for i, e := range all {
		if i%7 == 6 {
			continue // handed up without a situation
		}
		opened := all[i-i%5]
		e.Findings.Situation = &layers.Situation{
			ID: "sit-" + opened.ID, Event: layers.SituationOpened, Revision: 1 + i%5, Key: opened.Key,
			Severity: e.Severity, Title: "unusual on " + opened.Key + ": " + e.Findings.Template,
			OpenedAt: opened.Time, UpdatedAt: e.Time, Members: 1 + i%5, MemberIDs: []string{e.ID},
			Entities: []layers.Entity{{Name: opened.Key, Score: .6}, {Name: e.Key, Score: .4}}, Anomaly: .9,
		}
		if i%5 > 0 {
			e.Findings.Situation.Event = layers.SituationUpdated
		}
	}
	return all
}

// flood returns situations that have nothing in common, with names and titles as long and as
// broken as nobody would send.
func flood(i int) *layers.Envelope {
	e := layertest.Flood(i)
	long := strings.Repeat(e.Source+"\xff\x00 ", 100)
	e.Findings.Situation = &layers.Situation{
		ID: fmt.Sprintf("sit-%d", i), Event: layers.SituationOpened, Revision: 1, Key: e.Key + long, Severity: layers.Severity(i % 256),
		Title: e.Text + long, OpenedAt: e.Time, Members: 1, Entities: make([]layers.Entity, 20),
	}
	for j := range e.Findings.Situation.Entities {
		e.Findings.Situation.Entities[j].Name = fmt.Sprint(j, e.Key, long)
	}
	return e
}

func TestConformance(t *testing.T) {
	cfg := tactical.DefaultConfig()
	cfg.MaxMemory = 500
	cfg.Playbooks = []tactical.Playbook{
		{Name: "auth", When: `key.startsWith("auth")`, Steps: []string{"Look at the audit log."}},
		{Name: "loud", When: "severity >= error || members > 3", Title: "Look now", Steps: []string{"Look at the graph.", "Call somebody."}},
	}
	layertest.Run(t, layertest.Harness{
		New: func(tb testing.TB) layers.Layer {
			tb.Helper()
			return newWith(tb, cfg)
		},
		Envelopes:        climbing,
		Flood:            flood,
		Floods:           2000,
		MaxSnapshotBytes: 500 * 3000,
		MaxHeapBytes:     500 * 8000,
	})
}

// TestReasonsStayReadable sends what is too long or broken for a reason.
func TestReasonsStayReadable(t *testing.T) {
	cfg := tactical.DefaultConfig()
	cfg.Playbooks = []tactical.Playbook{{Name: strings.Repeat("n", 100), When: "true", Steps: []string{"Look."}}}
	l := newWith(t, cfg)
	for i := range 50 {
		e := flood(i % 10)
		e.Severity, e.Findings.Situation.Severity = layers.SeverityError, layers.SeverityError
		e.Findings.Situation.ID = fmt.Sprint(i, strings.Repeat("\n\xffid", 300))
		d := decide(t, l, e)
		if err := layertest.CheckDecision(d); err != nil {
			t.Error(err)
		}
		if i >= 10 && d.Disposition != layers.DispositionResolved {
			t.Errorf("situation %d is %s (%s): want it known", i, d.Disposition, d.Reason)
		}
	}
}
