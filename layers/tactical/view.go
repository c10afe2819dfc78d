package tactical

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of what voters remember.
const (
	maxHistory  = 10_000 // plans with actions
	maxAffairs  = 10_000 // situations
	failedInRow = 3      // times that a playbook has to fail before it is left alone
)

// View is what the voters of one process know: the latest of each situation, and what became of plans
// with actions. It is filled from what HAL9 announces and forgets the oldest first. It is not safe for concurrent use.
type View struct {
	situations map[string]*layers.Situation
	order      []string // of situations, the oldest first
	history    map[string]*passed
	queue      []*passed // of history, the oldest first
}

// passed is a plan with actions as far as it is known.
type passed struct {
	plan  *layers.Plan
	event layers.PlanEvent
	at    time.Time // when it was heard of, or agreed
	ended time.Time
	leant bool // a voter of this process said yes

	results []layers.ActionResult // of the last event
}

// NewView returns an empty view.
func NewView() *View {
	return &View{situations: map[string]*layers.Situation{}, history: map[string]*passed{}}
}

// HearSituation takes in an event of a situation. An older revision than the known one changes nothing.
func (v *View) HearSituation(s *layers.Situation) {
	known := v.situations[s.ID]
	if known == nil {
		v.order = append(v.order, s.ID)
		for len(v.order) > maxAffairs {
			delete(v.situations, v.order[0])
			v.order = v.order[1:]
		}
	}
	if known == nil || s.Revision >= known.Revision {
		v.situations[s.ID] = s
	}
}

// Situation returns the latest that is known of a situation, or nil.
func (v *View) Situation(id string) *layers.Situation { return v.situations[id] }

// HearPlan takes in an event of a plan that was stored at the time.
func (v *View) HearPlan(p *layers.Plan, at time.Time) {
	if len(p.Actions) == 0 {
		return
	}
	known := v.history[p.ID]
	if known == nil {
		known = &passed{plan: p, at: at}
		v.history[p.ID] = known
		v.queue = append(v.queue, known)
		for len(v.queue) > maxHistory {
			delete(v.history, v.queue[0].plan.ID)
			v.queue = v.queue[1:]
		}
	}
	if rank(p.Event) <= rank(known.event) {
		return
	}
	known.event = p.Event
	switch p.Event {
	case layers.PlanAgreed:
		known.at = at
	case layers.PlanExecuted, layers.PlanFailed:
		known.ended, known.results = at, p.Results
	}
}

// Lean notes that a voter of this process said yes to the plan.
func (v *View) Lean(id string) {
	if known := v.history[id]; known != nil {
		known.leant = true
	}
}

// rank orders the events of a plan.
func rank(e layers.PlanEvent) int {
	switch e {
	case layers.PlanProposed:
		return 1
	case layers.PlanAgreed, layers.PlanRejected:
		return 2
	case layers.PlanExecuted, layers.PlanFailed:
		return 3
	default:
		return 0
	}
}

// counts reports whether the plan's actions were, are or may soon be done.
func (p *passed) counts() bool {
	switch p.event {
	case layers.PlanAgreed, layers.PlanExecuted, layers.PlanFailed:
		return true
	case layers.PlanProposed:
		return p.leant
	default:
		return false
	}
}
