package layers

import "time"

// PlanEvent says what happened to a plan.
type PlanEvent string

// The events of a plan, each published on hal9.plans.<event>. A plan without actions is proposed
// to people and gets no other event.
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
	Revision    int       `json:"revision,omitempty"` // of the situation
	Key         string    `json:"key"`
	Severity    Severity  `json:"severity"`
	Playbook    string    `json:"playbook,omitempty"` // empty where only memory was used
	Title       string    `json:"title"`
	Steps       []string  `json:"steps"`
	Actions     []Action  `json:"actions,omitempty"` // in order; executed only after a quorum agreed
	Reasons     []string  `json:"reasons"`
	Recalled    []Recall  `json:"recalled,omitempty"`
	ProposedAt  time.Time `json:"proposed_at"` // event time of the signal that caused it

	Votes     []Vote    `json:"votes,omitempty"`  // as far as they were in when it was decided, by voter
	Quorum    int       `json:"quorum,omitempty"` // votes that it took
	Decision  string    `json:"decision,omitempty"`
	DecidedAt time.Time `json:"decided_at,omitzero"`

	Results    []ActionResult `json:"results,omitempty"` // one for each action that was begun
	FinishedAt time.Time      `json:"finished_at,omitzero"`
}

// Action is what HAL9 does by itself once a plan is agreed: exactly one of Webhook, Publish and Note is set.
type Action struct {
	Playbook string            `json:"playbook"`
	Webhook  string            `json:"webhook,omitempty"` // URL that plan and situation are posted to
	Publish  string            `json:"publish,omitempty"` // NATS subject that they are published on
	Note     string            `json:"note,omitempty"`    // text that is recorded with the plan
	Fields   map[string]string `json:"fields,omitempty"`  // go along unchanged
}

// Vote is what one voter answered, for ever.
type Vote struct {
	Voter  int       `json:"voter"` // from 1
	Yes    bool      `json:"yes"`
	Reason string    `json:"reason"`
	By     string    `json:"by"` // the process that held the voter then
	At     time.Time `json:"at"`
}

// ActionState says how an action ended.
type ActionState string

// The states of an action that ended.
const (
	ActionDone    ActionState = "done"
	ActionFailed  ActionState = "failed"  // the target did not take it
	ActionUnknown ActionState = "unknown" // it may or may not have been done; HAL9 does not do it again
)

// ActionResult is what became of one action.
type ActionResult struct {
	Action   int         `json:"action"` // its place in Plan.Actions, from 1
	State    ActionState `json:"state"`
	Attempts int         `json:"attempts"`
	TookUS   int64       `json:"took_us"` // the last attempt
	Error    string      `json:"error,omitempty"`
	By       string      `json:"by"` // the process
	At       time.Time   `json:"at"`
}
