package tactical

import "github.com/2lab-ai/hal9/layers"

// maxTitleBytes bounds the title that is kept to name a situation to people.
const maxTitleBytes = 160

// remembered is one situation as it was when it climbed last, with what was done then and what became of it. It is never
// changed, only replaced.
type remembered struct {
	ID          string      `json:"id"`
	Revision    int         `json:"revision"`
	Title       string      `json:"title"`
	OpenedAt    int64       `json:"opened_at"` // event time, Unix seconds
	Members     int         `json:"members"`
	Description description `json:"description"`
	PlanID      string      `json:"plan_id,omitempty"`
	Playbook    string      `json:"playbook,omitempty"` // the playbook that the plan's steps come from
	FromMemory  bool        `json:"from_memory,omitempty"`
	Resolved    bool        `json:"resolved,omitempty"` // at L4, so no person was asked
	Ending      ending      `json:"ending,omitzero"`
}

// newRemembered returns what is to be remembered of s before anything is done about it.
func newRemembered(s *layers.Situation, template string) *remembered {
	return &remembered{
		ID:          clip(s.ID, maxNameBytes),
		Revision:    max(s.Revision, 1),
		Title:       clip(s.Title, maxTitleBytes),
		OpenedAt:    s.OpenedAt.Unix(),
		Members:     s.Members,
		Description: describe(s, template),
	}
}
