package layers

import "time"

// PlanEvent says what happened to a plan.
type PlanEvent string

// The events of a plan, each published on hal9.plans.<event>.
const (
	PlanProposed PlanEvent = "proposed"
	PlanAgreed   PlanEvent = "agreed"
	PlanRejected PlanEvent = "rejected"
	PlanExecuted PlanEvent = "executed"
	PlanFailed   PlanEvent = "failed"
)

// Plan is what L4 proposes for a situation.
type Plan struct {
	ID          string    `json:"id"`
	Event       PlanEvent `json:"event"`
	SituationID string    `json:"situation_id"`
	Key         string    `json:"key"`
	Severity    Severity  `json:"severity"`
	Playbook    string    `json:"playbook,omitempty"` // empty where only memory was used
	Title       string    `json:"title"`
	Steps       []string  `json:"steps"`
	Reasons     []string  `json:"reasons"`
	Recalled    []Recall  `json:"recalled,omitempty"`
	ProposedAt  time.Time `json:"proposed_at"` // event time of the signal that caused it
}
