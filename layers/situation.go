package layers

import "time"

// SituationEvent says what happened to a situation.
type SituationEvent string

// The events of a situation, each published on hal9.situations.<event>.
const (
	SituationOpened  SituationEvent = "opened"
	SituationUpdated SituationEvent = "updated"
	SituationClosed  SituationEvent = "closed"
)

// SituationMaxMemberIDs bounds Situation.MemberIDs; Members counts on.
const SituationMaxMemberIDs = 1000

// Situation is what L3 makes of signals that belong together.
type Situation struct {
	ID        string         `json:"id"`
	Event     SituationEvent `json:"event"`
	Revision  int            `json:"revision"` // 1 for opened, one more for each later event of L3; L4 tells that for which it has a plan once more, and a later one may stand before that
	Severity  Severity       `json:"severity"`
	Key       string         `json:"key"`
	Title     string         `json:"title"`
	OpenedAt  time.Time      `json:"opened_at"` // event time
	UpdatedAt time.Time      `json:"updated_at"`
	ClosedAt  time.Time      `json:"closed_at,omitzero"`
	Members   int            `json:"members"`
	MemberIDs []string       `json:"member_ids"` // at most SituationMaxMemberIDs, in joining order
	Entities  []Entity       `json:"entities"`   // most likely cause first
	Anomaly   float64        `json:"anomaly"`    // 0..1, the worst member's
	Recalled  []Recall       `json:"recalled,omitempty"`
	PlanID    string         `json:"plan_id,omitempty"`
}

// Entity is something a situation is about, with its share of the blame, 0..1.
type Entity struct {
	Name  string  `json:"name"`
	Score float64 `json:"score"`
}

// Recall is an earlier situation that resembles the present one.
type Recall struct {
	SituationID string  `json:"situation_id"`
	Similarity  float64 `json:"similarity"` // 0..1
	Outcome     string  `json:"outcome"`
}
