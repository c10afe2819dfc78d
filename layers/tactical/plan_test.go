package tactical_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

func TestPlanFromPlaybooks(t *testing.T) {
	second := tactical.Playbook{Name: "any-db", When: `key.startsWith("db")`, Steps: []string{"Grow the volume.", "Tell the DBA."}}
	never := tactical.Playbook{Name: "never", When: "false", Steps: []string{"Panic."}}
	l := newLayer(t, never, diskFull(), second)
	earlier := situation("sit-0", "db-2", "disk full on db-2", layers.SeverityError)
	earlier.Findings.Situation.OpenedAt = noon.Add(-5 * 24 * time.Hour)
	decide(t, l, earlier)

	e := situation("sit-1", "db-1", "disk full on db-1", layers.SeverityError)
	got := proposed(t, decide(t, l, e))
	recalled := []layers.Recall{{SituationID: "sit-0", Similarity: 0.8182, Outcome: "planned with playbook disk-full"}}
	want := &layers.Plan{
		ID: got.ID, Event: layers.PlanProposed, SituationID: "sit-1", Revision: 1, Key: "db-1", Severity: layers.SeverityError,
		Playbook: "disk-full", Title: "Make room",
		Steps: []string{"Delete old logs.", "Grow the volume.", "Tell the DBA."},
		Reasons: []string{
			`Playbook disk-full applies: title.contains("disk full") && severity >= warning holds.`,
			`Playbook any-db applies: key.startsWith("db") holds.`,
			`It resembles sit-0 ("disk full on db-2", 5 days earlier; similarity 0.82; planned with playbook disk-full).`,
		},
		Recalled: recalled, ProposedAt: noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.ID, "plan-") || got.ID != e.Findings.PlanID || got.ID != e.Findings.Situation.PlanID {
		t.Errorf("plan %q, findings %q, situation %q: want one id", got.ID, e.Findings.PlanID, e.Findings.Situation.PlanID)
	}
	if diff := cmp.Diff(recalled, e.Findings.Situation.Recalled); diff != "" {
		t.Errorf("recalled (-want +got):\n%s", diff)
	}
}

func TestPlaybookNameIsTheTitleWhereThereIsNone(t *testing.T) {
	p := diskFull()
	p.Title = ""
	if got := proposed(t, decide(t, newLayer(t, p), situation("sit-1", "db-1", "disk full", layers.SeverityError))); got.Title != p.Name {
		t.Errorf("title is %q: want the playbook's name", got.Title)
	}
}

func TestPlanFromMemory(t *testing.T) {
	l := newLayer(t, diskFull())
	first := situation("sit-0", "db-1", "disk full", layers.SeverityWarning)
	decide(t, l, first)
	// Below the playbook's severity, but otherwise the same.
	got := proposed(t, decide(t, l, situation("sit-1", "db-1", "disk full", layers.SeverityInfo)))
	if diff := cmp.Diff(diskFull().Steps, got.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if got.Playbook != "" || got.Title != "As for sit-0: Make room" {
		t.Errorf("plan of playbook %q titled %q: want none and that of sit-0", got.Playbook, got.Title)
	}
	if want := "No playbook applies; the steps are those of playbook disk-full, planned for sit-0 (similarity 0.82)."; got.Reasons[0] != want {
		t.Errorf("reason is %q: want %q", got.Reasons[0], want)
	}
	third := situation("sit-2", "db-1", "disk full", layers.SeverityInfo)
	decide(t, l, third)
	if got := third.Findings.Situation.Recalled[0].Outcome; got != "planned from memory with the steps of playbook disk-full" {
		t.Errorf("outcome of sit-1 is %q", got)
	}
}

func TestPlanToCompareWhereNothingWasPlanned(t *testing.T) {
	l := newLayer(t)
	decide(t, l, situation("sit-0", "db-1", "disk full", layers.SeverityWarning))
	got := proposed(t, decide(t, l, situation("sit-1", "db-1", "disk full", layers.SeverityWarning)))
	want := []string{`Look up what ended situation sit-0 ("disk full") and whether it helps here.`}
	if diff := cmp.Diff(want, got.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if got.Recalled[0].Outcome != "open, no plan" {
		t.Errorf("outcome is %q: want that nothing was planned", got.Recalled[0].Outcome)
	}
}

func TestWorsenedSituationGetsARevisedPlan(t *testing.T) {
	l := newLayer(t, diskFull())
	opened := situation("sit-1", "db-1", "disk full", layers.SeverityWarning)
	first := proposed(t, decide(t, l, opened))

	worse := worsened(opened, 3, layers.SeverityError)
	worse.Findings.Situation.Entities = []layers.Entity{{Name: "db-1", Score: .7}, {Name: "web-2", Score: .3}}
	d := decide(t, l, worse)
	revised := proposed(t, d)
	want := "This revises " + first.ID + ": severity rose from warning to error, members went from 1 to 30, now also about web-2."
	if revised.Reasons[0] != want {
		t.Errorf("reason is %q:\nwant %q", revised.Reasons[0], want)
	}
	if revised.ID == first.ID {
		t.Errorf("both revisions have plan %s", first.ID)
	}
	if len(revised.Recalled) > 0 || d.Disposition != layers.DispositionEscalated {
		t.Errorf("%s, recalled %v: a situation must not recall itself", d.Disposition, revised.Recalled)
	}
	next := proposed(t, decide(t, l, worsened(worse, 4, layers.SeverityError)))
	if want := "This revises " + revised.ID + ": members went from 30 to 40."; next.Reasons[0] != want {
		t.Errorf("reason is %q: want %q", next.Reasons[0], want)
	}
}

func TestWorsenedSituationThatIsNotRemembered(t *testing.T) {
	plan := proposed(t, decide(t, newLayer(t, diskFull()), worsened(situation("sit-1", "db-1", "disk full", layers.SeverityWarning), 4, layers.SeverityError)))
	if want := "The situation worsened (revision 4); what it was before is not remembered here."; plan.Reasons[0] != want {
		t.Errorf("reason is %q: want %q", plan.Reasons[0], want)
	}
}

func TestSameRevisionGetsNoSecondPlan(t *testing.T) {
	l := newLayer(t, diskFull())
	decide(t, l, situation("sit-0", "db-1", "disk full", layers.SeverityWarning))
	for _, severity := range []layers.Severity{layers.SeverityWarning, layers.SeverityCritical} {
		e := worsened(situation("sit-"+severity.String(), "db-1", "disk full", severity), 2, severity)
		first := decide(t, l, e)
		for _, revision := range []int{2, 1} {
			again := worsened(e, revision, severity)
			d := decide(t, l, again)
			if len(d.Events) > 0 || d.Disposition != first.Disposition || d.Rule != first.Rule {
				t.Errorf("revision %d after 2: %+v: want %s without a plan", revision, d, first.Disposition)
			}
			if again.Findings.PlanID != e.Findings.PlanID || !strings.Contains(d.Reason, e.Findings.PlanID+" stands") {
				t.Errorf("plan %q, reason %q: want the plan %q that stands", again.Findings.PlanID, d.Reason, e.Findings.PlanID)
			}
		}
	}
}

// TestPlanIDs pins ids: another process must give the same plan the same name.
func TestPlanIDs(t *testing.T) {
	l := newLayer(t, diskFull())
	e := situation("sit-1", "db-1", "disk full", layers.SeverityWarning)
	got := []string{proposed(t, decide(t, l, e)).ID, proposed(t, decide(t, l, worsened(e, 2, layers.SeverityError))).ID}
	if diff := cmp.Diff([]string{"plan-2c06b8e7fb6355aa", "plan-bc5729697530c954"}, got); diff != "" {
		t.Errorf("plan ids (-want +got):\n%s", diff)
	}
}

func TestDecideLeavesTheAnnouncedSituationAlone(t *testing.T) {
	e := situation("sit-1", "db-1", "disk full", layers.SeverityError)
	announced := e.Findings.Situation
	decide(t, newLayer(t, diskFull()), e)
	if announced.PlanID != "" {
		t.Errorf("the caller's situation was given plan %s: want a copy", announced.PlanID)
	}
}
