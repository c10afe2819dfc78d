package tactical

import (
	"fmt"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// answer is what a question about a plan comes to.
type answer struct {
	weight weight
	text   string
}

type weight uint8

const (
	weightYes   weight = iota + 1
	weightDoubt        // a no of the voter whose question it is
	weightNo           // a no of every voter
)

// Voters judge plans. All of them ask the same questions of what their process knows, and each minds one of them
// above all: what is plainly wrong is a no of every voter, what is doubtful a no of the one whose question it is.
// So a plan passes with two doubts and not with three, and never with a plain no.
type Voters struct {
	council   Council
	playbooks []compiled
	questions []func(*Voters, *inquiry) answer
}

// NewVoters returns voters who know the playbooks.
func NewVoters(c Council, playbooks []Playbook, compile layers.Compiler[layers.Situation]) (*Voters, error) {
	all, err := compilePlaybooks(playbooks, compile)
	if err != nil {
		return nil, err
	}
	return &Voters{council: c, playbooks: all, questions: []func(*Voters, *inquiry) answer{
		(*Voters).current, (*Voters).founded, (*Voters).moderate, (*Voters).helpful, (*Voters).single,
	}}, nil
}

// inquiry is a plan with what is known about it.
type inquiry struct {
	plan      *layers.Plan
	view      *View
	situation *layers.Situation // nil where it is not known
	now       time.Time
}

// Judgement is what is thought of one plan, for all voters of a process.
type Judgement struct{ answers []answer }

// Judge asks all questions about the plan. It is a pure function of its parameters.
func (v *Voters) Judge(plan *layers.Plan, view *View, now time.Time) Judgement {
	q := &inquiry{plan: plan, view: view, situation: view.Situation(plan.SituationID), now: now}
	var j Judgement
	for _, ask := range v.questions {
		j.answers = append(j.answers, ask(v, q))
	}
	return j
}

// Vote returns what a voter, from 1, says, and why.
func (j Judgement) Vote(voter int) (yes bool, reason string) {
	for _, a := range j.answers {
		if a.weight == weightNo {
			return false, a.text
		}
	}
	own := j.answers[(voter-1)%len(j.answers)]
	return own.weight == weightYes, own.text
}

func yes(format string, args ...any) answer { return answer{weightYes, fmt.Sprintf(format, args...)} }

func doubt(format string, args ...any) answer {
	return answer{weightDoubt, fmt.Sprintf(format, args...)}
}
func no(format string, args ...any) answer { return answer{weightNo, fmt.Sprintf(format, args...)} }

// current asks whether the situation is still what the plan is for.
func (v *Voters) current(q *inquiry) answer {
	for _, other := range q.view.queue {
		if other.plan.SituationID == q.plan.SituationID && other.plan.Revision > q.plan.Revision {
			return no("plan %s for a later revision of the situation replaces this one", other.plan.ID)
		}
	}
	switch s := q.situation; {
	case s == nil:
		return doubt("the situation is not known here")
	case s.Event == layers.SituationClosed:
		return no("the situation is closed")
	case s.Revision < q.plan.Revision:
		return doubt("the situation is known in revision %d only, the plan is for revision %d", s.Revision, q.plan.Revision)
	case s.Severity < q.plan.Severity:
		return doubt("the situation is no longer %s but %s", word(q.plan.Severity), word(s.Severity))
	default:
		return yes("the situation is open, in revision %d", s.Revision)
	}
}

// founded asks whether the playbooks say so, as they are configured here.
func (v *Voters) founded(q *inquiry) answer {
	for i := range q.plan.Actions {
		action := &q.plan.Actions[i]
		at := slices.IndexFunc(v.playbooks, func(p compiled) bool { return p.Name == action.Playbook })
		if at < 0 {
			return no("there is no playbook %q here", action.Playbook)
		}
		p := &v.playbooks[at]
		if !slices.ContainsFunc(p.Actions, func(a Action) bool { b := a.planned(p.Name); return sameEffect(action, &b) }) {
			return no("playbook %q does not have action %d here", action.Playbook, i+1)
		}
		if q.situation != nil && !p.holds(q.situation) {
			return no("playbook %q does not apply any more: %s does not hold", p.Name, p.When)
		}
	}
	if q.situation == nil {
		return doubt("whether the playbook applies can't be told: the situation is not known here")
	}
	return yes("the condition of every playbook holds")
}

// moderate asks how much is done lately.
func (v *Voters) moderate(q *inquiry) answer {
	key, all := 0, 0
	for _, other := range q.view.queue {
		if other.plan.ID == q.plan.ID || !other.counts() || q.now.Sub(other.at) > v.council.Window {
			continue
		}
		all++
		if other.plan.Key == q.plan.Key {
			key++
		}
	}
	c := &v.council
	said := fmt.Sprintf("%d of at most %d plans for the key and %d of %d in all were agreed within %s", key, c.PerKey, all, c.InAll, c.Window)
	switch {
	case key >= c.PerKey || all >= c.InAll:
		return no("too much at once: %s", said)
	case c.PerKey > 1 && 4*key >= 3*c.PerKey || c.InAll > 1 && 4*all >= 3*c.InAll:
		return doubt("much at once: %s", said)
	default:
		return yes("%s", said)
	}
}

// helpful asks whether the playbook worked lately.
func (v *Voters) helpful(q *inquiry) answer {
	ended := make([]*passed, 0, 8)
	for _, other := range q.view.queue {
		if other.plan.Playbook == q.plan.Playbook && !other.ended.IsZero() && q.now.Sub(other.ended) <= v.council.Window {
			ended = append(ended, other)
		}
	}
	slices.SortFunc(ended, func(a, b *passed) int { return b.ended.Compare(a.ended) })
	failed := slices.IndexFunc(ended, func(p *passed) bool { return p.event != layers.PlanFailed })
	if failed < 0 {
		failed = len(ended)
	}
	switch {
	case failed >= failedInRow:
		return no("the playbook's actions failed the last %d times within %s", failed, v.council.Window)
	case failed > 0:
		return doubt("the playbook's actions failed last time, with plan %s", ended[0].plan.ID)
	default:
		return yes("the playbook's actions did not fail lately")
	}
}

// single asks whether something else is done about it.
func (v *Voters) single(q *inquiry) answer {
	found := yes("nothing else is under way for the key")
	for _, other := range q.view.queue {
		if other.plan.ID == q.plan.ID || !other.counts() {
			continue
		}
		if other.plan.SituationID == q.plan.SituationID && other.repeatedBy(q.plan) {
			return no("plan %s does the same about the same situation", other.plan.ID)
		}
		if other.plan.Key == q.plan.Key && other.ended.IsZero() && q.now.Sub(other.at) < v.council.Within {
			found = doubt("another plan is under way for the key")
		}
	}
	return found
}

// repeatedBy reports whether a plan does something that this one did, does or may do. Of a plan that failed that is what was
// done, and what may have been.
func (p *passed) repeatedBy(plan *layers.Plan) bool {
	for i := range p.plan.Actions {
		if p.event == layers.PlanFailed && !p.mayHaveDone(i+1) {
			continue
		}
		if slices.ContainsFunc(plan.Actions, func(a layers.Action) bool { return sameEffect(&a, &p.plan.Actions[i]) }) {
			return true
		}
	}
	return false
}

func (p *passed) mayHaveDone(action int) bool {
	return slices.ContainsFunc(p.results, func(r layers.ActionResult) bool {
		return r.Action == action && (r.State == layers.ActionDone || r.State == layers.ActionUnknown)
	})
}
