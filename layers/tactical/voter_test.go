package tactical_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

func restart() tactical.Playbook {
	p := diskFull()
	p.Actions = []tactical.Action{{Publish: "ops.restart"}}
	return p
}

func open() *layers.Situation {
	return &layers.Situation{
		ID: "sit-1", Event: layers.SituationOpened, Revision: 2, Severity: layers.SeverityError, Key: "db-1", Title: "disk full",
	}
}

func acting(id string, change ...func(*layers.Plan)) *layers.Plan {
	p := &layers.Plan{
		ID: id, Event: layers.PlanProposed, SituationID: "sit-1", Revision: 2, Key: "db-1", Severity: layers.SeverityError, Playbook: "disk-full",
		Actions: []layers.Action{{Playbook: "disk-full", Publish: "ops.restart"}},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

// other is a plan about another situation of the key.
func other(id string, event layers.PlanEvent) *layers.Plan {
	return acting(id, func(p *layers.Plan) { p.SituationID, p.Event = "sit-"+id, event })
}

// ended has the voters hear of a plan for an earlier revision that failed with these states of its actions.
func ended(states ...layers.ActionState) func(v *tactical.View) {
	return func(v *tactical.View) {
		p := acting("earlier", func(p *layers.Plan) { p.Revision = 1 })
		v.HearPlan(p, noon)
		last := *p
		last.Event = layers.PlanFailed
		for i, state := range states {
			last.Results = append(last.Results, layers.ActionResult{Action: i + 1, State: state})
		}
		v.HearPlan(&last, noon)
	}
}

func TestVoters(t *testing.T) {
	past := func(n int, events ...layers.PlanEvent) func(v *tactical.View) {
		return func(v *tactical.View) {
			for i := range n {
				for _, e := range events {
					v.HearPlan(other(fmt.Sprint("p", i), e), noon.Add(time.Duration(i)*time.Second))
				}
			}
		}
	}
	tests := []struct {
		name   string
		change func(p *layers.Plan, s *layers.Situation)
		view   func(v *tactical.View)
		no     []int  // the voters that say no
		reason string // in the reason of the first of them
	}{
		{name: "all is well"},
		{"closed", func(_ *layers.Plan, s *layers.Situation) { s.Event = layers.SituationClosed }, nil, everybody(), "is closed"},
		{"not known", func(_ *layers.Plan, s *layers.Situation) { s.ID = "sit-9" }, nil, []int{1, 2}, "not known here"},
		{"known as it was before", func(_ *layers.Plan, s *layers.Situation) { s.Revision = 1 }, nil, []int{1}, "revision 1 only"},
		{"less severe", func(_ *layers.Plan, s *layers.Situation) { s.Severity = layers.SeverityWarning }, nil, []int{1}, "no longer error"},
		{"does not apply any more", func(_ *layers.Plan, s *layers.Situation) { s.Severity = layers.SeverityInfo }, nil, everybody(), "does not hold"},
		{"no such playbook", func(p *layers.Plan, _ *layers.Situation) { p.Actions[0].Playbook = "mine" }, nil, everybody(), `no playbook "mine"`},
		{"no such action", func(p *layers.Plan, _ *layers.Situation) { p.Actions[0].Publish = "ops.else" }, nil, everybody(), "does not have action 1"},
		{"replaced", nil, func(v *tactical.View) {
			v.HearPlan(acting("later", func(p *layers.Plan) { p.Revision = 3 }), noon)
		}, everybody(), "plan later for a later revision"},
		{"done for an earlier revision", nil, func(v *tactical.View) {
			v.HearPlan(acting("earlier", func(p *layers.Plan) { p.Revision, p.Event = 1, layers.PlanExecuted }), noon)
		}, everybody(), "plan earlier does the same"},
		{"failed for an earlier revision", nil, func(v *tactical.View) {
			v.HearPlan(acting("earlier", func(p *layers.Plan) { p.Revision, p.Event = 1, layers.PlanFailed }), noon)
		}, []int{4}, "failed last time"},
		{"failed for an earlier revision, refused", nil, ended(layers.ActionFailed), []int{4}, "failed last time"},
		{"failed for an earlier revision, outcome unknown", nil, ended(layers.ActionUnknown), everybody(), "plan earlier does the same"},
		{"failed for an earlier revision after it was done", nil, ended(layers.ActionDone, layers.ActionFailed), everybody(), "plan earlier does the same"},
		{"failed for an earlier revision before it was reached", nil, func(v *tactical.View) {
			p := acting("earlier", func(p *layers.Plan) { p.Revision, p.Event = 1, layers.PlanFailed })
			p.Actions = append([]layers.Action{{Playbook: "disk-full", Publish: "ops.first"}}, p.Actions...)
			p.Results = []layers.ActionResult{{Action: 1, State: layers.ActionUnknown}}
			v.HearPlan(p, noon)
		}, []int{4}, "failed last time"},
		{"a yes that is not decided yet", nil, func(v *tactical.View) {
			v.HearPlan(acting("earlier", func(p *layers.Plan) { p.Revision = 1 }), noon)
			v.Lean("earlier")
		}, everybody(), "plan earlier does the same"},
		{"a proposal that nobody agreed to", nil, func(v *tactical.View) {
			v.HearPlan(acting("earlier", func(p *layers.Plan) { p.Revision = 1 }), noon)
		}, nil, ""},
		{"something else is under way", nil, past(1, layers.PlanProposed, layers.PlanAgreed), []int{5}, "under way for the key"},
		{"three quarters of the rate", nil, past(3, layers.PlanExecuted), []int{3}, "much at once: 3 of at most 4"},
		{"the rate", nil, past(4, layers.PlanExecuted), everybody(), "too much at once: 4 of at most 4"},
		{"the rate, of rejected ones", nil, past(4, layers.PlanRejected), nil, ""},
		{"failed twice", nil, past(2, layers.PlanFailed), []int{4}, "failed last time, with plan p1"},
		{"failed three times", nil, past(3, layers.PlanFailed), everybody(), "failed the last 3 times"},
		{"long ago", nil, func(v *tactical.View) {
			for i := range 9 {
				v.HearPlan(other(fmt.Sprint("p", i), layers.PlanFailed), noon.Add(-2*time.Hour))
			}
		}, nil, ""},
		{"news that come in the wrong order", nil, func(v *tactical.View) {
			v.HearPlan(other("p", layers.PlanExecuted), noon)
			v.HearPlan(other("p", layers.PlanAgreed), noon)
		}, nil, ""},
	}
	council := tactical.DefaultCouncil()
	council.PerKey = 4
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			voters, err := tactical.NewVoters(council, []tactical.Playbook{restart()}, expr.Situation)
			if err != nil {
				t.Fatal(err)
			}
			plan, situation, view := acting("plan"), open(), tactical.NewView()
			if test.change != nil {
				test.change(plan, situation)
			}
			view.HearSituation(situation)
			view.HearPlan(plan, noon)
			if test.view != nil {
				test.view(view)
			}
			judgement := voters.Judge(plan, view, noon.Add(time.Minute))
			var no []int
			for voter := 1; voter <= 5; voter++ {
				yes, reason := judgement.Vote(voter)
				if !yes {
					no = append(no, voter)
				}
				if reason == "" || !yes && !strings.Contains(reason, test.reason) && voter == test.no[0] {
					t.Errorf("voter %d says %t: %q, want %q", voter, yes, reason, test.reason)
				}
			}
			if fmt.Sprint(no) != fmt.Sprint(test.no) {
				t.Errorf("voters %v say no, want %v", no, test.no)
			}
		})
	}
}

func everybody() []int { return []int{1, 2, 3, 4, 5} }

// TestVoteBeyondTheQuestions has more voters than questions.
func TestVoteBeyondTheQuestions(t *testing.T) {
	voters, err := tactical.NewVoters(tactical.DefaultCouncil(), []tactical.Playbook{restart()}, expr.Situation)
	if err != nil {
		t.Fatal(err)
	}
	judgement := voters.Judge(acting("plan"), tactical.NewView(), noon)
	for voter, want := range map[int]bool{1: false, 2: false, 3: true, 6: false, 7: false, 8: true, 15: true} {
		if yes, reason := judgement.Vote(voter); yes != want {
			t.Errorf("voter %d says %t: %s", voter, yes, reason)
		}
	}
}

func TestViewIsBounded(t *testing.T) {
	view := tactical.NewView()
	for i := range 10_001 {
		view.HearSituation(&layers.Situation{ID: strconv.Itoa(i)})
	}
	if view.Situation("0") != nil || view.Situation("1") == nil || view.Situation("10000") == nil {
		t.Error("want the oldest of 10,001 situations forgotten, and no other")
	}
}

func TestOutcome(t *testing.T) {
	c := tactical.DefaultCouncil()
	for _, test := range []struct {
		yes, no         int
		agreed, decided bool
	}{
		{2, 2, false, false}, {3, 0, true, true}, {3, 2, true, true}, {2, 3, false, true}, {0, 2, false, false},
	} {
		if agreed, decided := c.Outcome(test.yes, test.no); agreed != test.agreed || decided != test.decided {
			t.Errorf("%d yes, %d no: %t, %t", test.yes, test.no, agreed, decided)
		}
	}
}

func TestPlanHasTheActionsOfAllPlaybooksOnce(t *testing.T) {
	first, second := restart(), restart()
	second.Name = "second"
	second.Actions = append(second.Actions, tactical.Action{Note: "told"})
	got := proposed(t, decide(t, newLayer(t, first, second), situation("sit-1", "db-1", "disk full", layers.SeverityError))).Actions
	if len(got) != 2 || got[0].Playbook != "disk-full" || got[0].Publish != "ops.restart" || got[1].Playbook != "second" || got[1].Note != "told" {
		t.Errorf("the actions are %+v", got)
	}
}
