package tactical_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

func hear(tb testing.TB, l *tactical.Layer, o tactical.Outcome) {
	tb.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	if err := l.Hear(&layers.Note{ID: "n", Kind: tactical.NoteOutcome, Data: data}); err != nil {
		tb.Fatal(err)
	}
}

// outcomeAfter returns what is said of sit-0 once the outcomes were heard.
func outcomeAfter(tb testing.TB, outcomes ...tactical.Outcome) string {
	tb.Helper()
	l := newLayer(tb, diskFull())
	decide(tb, l, situation("sit-0", "db-1", "disk full", layers.SeverityWarning))
	for _, o := range outcomes {
		hear(tb, l, o)
	}
	e := situation("sit-1", "db-1", "disk full", layers.SeverityWarning)
	decide(tb, l, e)
	return e.Findings.Situation.Recalled[0].Outcome
}

func TestOutcomesAreAttached(t *testing.T) {
	const sit = "sit-0"
	closed := tactical.Outcome{SituationID: sit, Closed: true, Open: 720}
	executed := tactical.Outcome{SituationID: sit, PlanID: "p", Plan: layers.PlanExecuted}
	failed := tactical.Outcome{SituationID: sit, PlanID: "p", Plan: layers.PlanFailed}
	helped := tactical.Outcome{SituationID: sit, Word: tactical.WordHelped, Text: "it was\nthe logs", At: 5}
	useless := tactical.Outcome{SituationID: sit, Word: tactical.WordUseless, At: 6}
	for _, test := range []struct {
		heard []tactical.Outcome
		want  string
	}{
		{nil, "planned with playbook disk-full"},
		{[]tactical.Outcome{closed}, "planned with playbook disk-full; closed after 12 min"},
		{[]tactical.Outcome{executed}, "planned with playbook disk-full; plan executed"},
		{[]tactical.Outcome{executed, closed}, "planned with playbook disk-full; plan executed; closed after 12 min; last time this helped"},
		{[]tactical.Outcome{closed, executed, closed}, "planned with playbook disk-full; plan executed; closed after 12 min; last time this helped"},
		{[]tactical.Outcome{failed, closed}, "planned with playbook disk-full; plan failed; closed after 12 min; last time this did not help"},
		{[]tactical.Outcome{executed, {SituationID: sit, PlanID: "q", Plan: layers.PlanRejected}, closed}, "planned with playbook disk-full; plan executed; closed after 12 min; last time this helped"},
		{[]tactical.Outcome{{SituationID: sit, PlanID: "q", Plan: layers.PlanRejected}}, "planned with playbook disk-full; plan rejected"},
		{[]tactical.Outcome{helped}, `planned with playbook disk-full; last time this helped; somebody said "it was the logs"`},
		{[]tactical.Outcome{useless, helped, closed, executed}, "planned with playbook disk-full; plan executed; closed after 12 min; last time this did not help"},
		{[]tactical.Outcome{{SituationID: "another", Closed: true}}, "planned with playbook disk-full"},
		{[]tactical.Outcome{{SituationID: sit, Word: "so-so", Plan: "agreed"}}, "planned with playbook disk-full"},
	} {
		if got := outcomeAfter(t, test.heard...); got != test.want {
			t.Errorf("after %+v the outcome is %q:\nwant %q", test.heard, got, test.want)
		}
	}
}

func TestHearRefusesWhatIsNoOutcome(t *testing.T) {
	l := newLayer(t)
	if err := l.Hear(&layers.Note{ID: "n", Kind: tactical.NoteOutcome, Data: []byte(`"x"`)}); err == nil {
		t.Error("a note that is no outcome was taken for one")
	}
	if err := l.Hear(&layers.Note{ID: "n", Kind: "tuning", Data: []byte(`"x"`)}); err != nil {
		t.Errorf("a note for somebody else: %v", err)
	}
}

// TestWhatHelpedIsPreferred plans from memory: the second most similar situation helped, the most similar one did not.
func TestWhatHelpedIsPreferred(t *testing.T) {
	restart := tactical.Playbook{Name: "restart", When: `members == 7`, Title: "Restart", Steps: []string{"Restart it."}}
	l := newLayer(t, diskFull(), restart)
	good := situation("sit-good", "db-2", "disk full soon", layers.SeverityWarning)
	good.Findings.Situation.Members, good.Findings.Situation.Title = 7, "volume full soon"
	decide(t, l, good)
	decide(t, l, situation("sit-bad", "db-1", "disk full", layers.SeverityWarning))
	hear(t, l, tactical.Outcome{SituationID: "sit-bad", Word: tactical.WordUseless})
	hear(t, l, tactical.Outcome{SituationID: "sit-good", Word: tactical.WordHelped})

	e := situation("sit-2", "db-1", "volume full", layers.SeverityWarning)
	plan := proposed(t, decide(t, l, e))
	if plan.Title != "As for sit-good: Restart" {
		t.Errorf("plan is %q, recalled %+v: want that of what helped", plan.Title, e.Findings.Situation.Recalled)
	}
	if !strings.Contains(plan.Reasons[0], "planned for sit-good (similarity 0.") || !strings.HasSuffix(plan.Reasons[0], "last time this helped.") {
		t.Errorf("the reason is %q: want neighbour, similarity and that it helped", plan.Reasons[0])
	}
	hear(t, l, tactical.Outcome{SituationID: "sit-good", Word: tactical.WordUseless, At: 1})
	hear(t, l, tactical.Outcome{SituationID: "sit-2", Word: tactical.WordUseless})
	plan = proposed(t, decide(t, l, situation("sit-3", "db-1", "volume full", layers.SeverityWarning)))
	if !strings.HasPrefix(plan.Title, "Compare with ") {
		t.Errorf("plan is %q though nothing helped", plan.Title)
	}
}

// TestKnownButUseless hands up what would be answered, had the playbook helped last time.
func TestKnownButUseless(t *testing.T) {
	l := newLayer(t, diskFull())
	decide(t, l, situation("sit-0", "db-1", "disk full", layers.SeverityWarning))
	hear(t, l, tactical.Outcome{SituationID: "sit-0", Word: tactical.WordUseless})
	d := decide(t, l, situation("sit-1", "db-1", "disk full", layers.SeverityWarning))
	if d.Disposition != layers.DispositionEscalated || !strings.Contains(d.Reason, "did not help last time") {
		t.Errorf("%s: %s", d.Disposition, d.Reason)
	}
	if plan := proposed(t, d); !slices.Contains(plan.Reasons, "Last time this did not help: playbook disk-full for sit-0 (similarity 1.00).") {
		t.Errorf("reasons %q", plan.Reasons)
	}
	hear(t, l, tactical.Outcome{SituationID: "sit-1", Word: tactical.WordHelped})
	d = decide(t, l, situation("sit-2", "db-1", "disk full", layers.SeverityWarning))
	if plan := proposed(t, d); d.Disposition != layers.DispositionResolved ||
		!slices.Contains(plan.Reasons, "Last time this helped: playbook disk-full for sit-1 (similarity 1.00).") {
		t.Errorf("%s, reasons %q", d.Disposition, plan.Reasons)
	}
}

// TestAWorsenedSituationKeepsAPersonsWord, but is open again.
func TestAWorsenedSituationKeepsAPersonsWord(t *testing.T) {
	l := newLayer(t, diskFull())
	e := situation("sit-0", "db-1", "disk full", layers.SeverityWarning)
	decide(t, l, e)
	hear(t, l, tactical.Outcome{SituationID: "sit-0", Word: tactical.WordHelped, Closed: true})
	decide(t, l, worsened(e, 2, layers.SeverityWarning))
	again := situation("sit-1", "db-1", "disk full", layers.SeverityWarning)
	decide(t, l, again)
	if got := again.Findings.Situation.Recalled[0].Outcome; !strings.HasSuffix(got, "last time this helped") || strings.Contains(got, "closed") {
		t.Errorf("outcome is %q", got)
	}
}
