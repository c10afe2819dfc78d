package operational

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// plan tells a layer what L4 found out.
func plan(t *testing.T, l *Layer, id string, revision int, planID string, recalled ...layers.Recall) {
	t.Helper()
	data, err := json.Marshal(&layers.Situation{ID: id, Revision: revision, PlanID: planID, Recalled: recalled})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Hear(&layers.Note{ID: planID, Kind: layers.NoteSituation, Data: data}); err != nil {
		t.Fatal(err)
	}
}

// TestLaterEventsSayWhichPlanThereIs closes a situation for which L4 has a plan, also with what a snapshot kept.
func TestLaterEventsSayWhichPlanThereIs(t *testing.T) {
	l, s := newLayer(t), &sent{}
	e := s.flagged("web-1", midnight, layers.SeverityWarning, 0.6)
	decide(t, l, e)
	id := e.Findings.Situation.ID
	before := layers.Recall{SituationID: "sit-0", Similarity: .9, Outcome: "restarted"}
	plan(t, l, "sit-of-another", 1, "plan-0")
	plan(t, l, id, 1, "plan-1", before)
	plan(t, l, id, 1, "plan-1b") // An older one that comes again, or one of the same revision, changes nothing.
	plan(t, l, id, 9, "plan-9")  // Nor does one for what this layer never announced.

	worse := s.flagged("web-2", midnight.Add(time.Minute), layers.SeverityError, 0.7)
	decide(t, l, worse)
	if got := worse.Findings.Situation; got.PlanID != "plan-1" || !cmp.Equal(got.Recalled, []layers.Recall{before}) {
		t.Errorf("worsened situation %+v: want plan-1 and what is recalled", got)
	}
	member := s.flagged("web-2", midnight.Add(2*time.Minute), layers.SeverityWarning, 0.55)
	decide(t, l, member)
	if member.Findings.Situation.Recalled != nil {
		t.Errorf("a folded signal carries what its situation recalls: %+v", member.Findings.Situation)
	}

	snapshot, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	restored := newLayer(t)
	if err := restored.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	for name, layer := range map[string]*Layer{"lived on": l, "restored": restored} {
		plan(t, layer, id, 1, "plan-1c")
		closed := layer.Tick(midnight.Add(time.Hour))
		if len(closed) != 1 || closed[0].Situation.PlanID != "plan-1" || !cmp.Equal(closed[0].Situation.Recalled, []layers.Recall{before}) {
			t.Errorf("%s: closed with %v, want plan-1 and what is recalled", name, events(closed))
		}
	}
	if err := l.Hear(&layers.Note{ID: "rubbish", Kind: layers.NoteSituation, Data: []byte("[")}); err == nil {
		t.Error("rubbish is no note on a situation, and is taken")
	}
}
