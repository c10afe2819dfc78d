package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// plans counts what becomes of plans. The maps are complete after newPlans and only read.
type plans struct {
	group
	events  map[layers.PlanEvent]prometheus.Counter
	votes   map[bool]prometheus.Counter
	actions map[layers.ActionState]prometheus.Counter
	took    prometheus.Histogram
}

func newPlans() *plans {
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hal9_plans_total", Help: "Events of plans that this process took in (proposed) or announced.",
	}, []string{"event"})
	votes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hal9_votes_total", Help: "Votes on plans by the voters of this process.",
	}, []string{"yes"})
	actions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hal9_actions_total", Help: "Actions of plans that ended in this process, by how.",
	}, []string{"state"})
	p := &plans{
		events: map[layers.PlanEvent]prometheus.Counter{}, votes: map[bool]prometheus.Counter{},
		actions: map[layers.ActionState]prometheus.Counter{},
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "hal9_consensus_seconds",
			Help:    "Time from the storing of a proposed plan to the decision that this process committed.",
			Buckets: []float64{.001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
		}),
	}
	for _, e := range []layers.PlanEvent{layers.PlanProposed, layers.PlanAgreed, layers.PlanRejected, layers.PlanExecuted, layers.PlanFailed} {
		p.events[e] = events.WithLabelValues(string(e))
	}
	for _, yes := range []bool{true, false} {
		p.votes[yes] = votes.WithLabelValues(strconv.FormatBool(yes))
	}
	for _, s := range []layers.ActionState{layers.ActionDone, layers.ActionFailed, layers.ActionUnknown} {
		p.actions[s] = actions.WithLabelValues(string(s))
	}
	p.group = group{events, votes, actions, p.took}
	return p
}

// Planned counts an event of a plan.
func (m *Metrics) Planned(event layers.PlanEvent) {
	if c := m.plans.events[event]; c != nil {
		c.Inc()
	}
}

// Voted counts a vote.
func (m *Metrics) Voted(yes bool) { m.plans.votes[yes].Inc() }

// Agreed counts a decision and how long it took from the storing of the proposal on.
func (m *Metrics) Agreed(took time.Duration) { m.plans.took.Observe(took.Seconds()) }

// Acted counts an action that ended.
func (m *Metrics) Acted(state layers.ActionState) {
	if c := m.plans.actions[state]; c != nil {
		c.Inc()
	}
}
