package tactical

import (
	"maps"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// maxTitleBytes bounds the title that is kept to name a situation to people.
const maxTitleBytes = 160

// remembered is one situation as it was when it climbed last, with what was done then.
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

// outcome says what was done then; L4 does not see how a situation ended.
func (r *remembered) outcome() string {
	switch {
	case r.PlanID == "":
		return "open, no plan"
	case r.Playbook == "":
		return "planned from memory"
	case r.FromMemory:
		return "planned from memory with the steps of playbook " + r.Playbook
	case r.Resolved:
		return "planned with playbook " + r.Playbook + " and resolved"
	default:
		return "planned with playbook " + r.Playbook
	}
}

// recalled is a remembered situation with its similarity to the present one.
type recalled struct {
	*remembered
	similarity float64 // 0..1
}

// memory holds the situations planned last, at most limit. It numbers them in the order in
// which they came; the lowest number is forgotten first.
type memory struct {
	limit  int
	index  index
	items  map[uint64]*remembered // by number
	byID   map[string]uint64
	oldest uint64 // no item has a lower number
	next   uint64
}

func newMemory(limit int, x index) *memory {
	return &memory{limit: limit, index: x, items: map[uint64]*remembered{}, byID: map[string]uint64{}}
}

// find returns the situation with the id, or nil.
func (m *memory) find(id string) *remembered {
	number, ok := m.byID[clip(id, maxNameBytes)]
	if !ok {
		return nil
	}
	return m.items[number]
}

// remember adds r as the most recent, in place of what was remembered of the same situation.
func (m *memory) remember(r *remembered) {
	if number, ok := m.byID[r.ID]; ok {
		m.forget(number)
	}
	for len(m.items) >= m.limit {
		m.forget(m.first())
	}
	m.items[m.next], m.byID[r.ID] = r, m.next
	m.index.Add(m.next, &r.Description)
	m.next++
}

// recall returns at most limit situations similar to r, the most similar first, without r itself.
func (m *memory) recall(r *remembered, limit int) []recalled {
	var found []recalled
	for _, hit := range m.index.Nearest(&r.Description, limit+1) {
		if item := m.items[hit.number]; item.ID != r.ID && len(found) < limit {
			found = append(found, recalled{item, hit.similarity})
		}
	}
	return found
}

// all returns everything remembered, the oldest first.
func (m *memory) all() []*remembered {
	items := make([]*remembered, 0, len(m.items))
	for _, number := range slices.Sorted(maps.Keys(m.items)) {
		items = append(items, m.items[number])
	}
	return items
}

// first returns the lowest number in use; there must be one.
func (m *memory) first() uint64 {
	for {
		if _, ok := m.items[m.oldest]; ok {
			return m.oldest
		}
		m.oldest++
	}
}

func (m *memory) forget(number uint64) {
	delete(m.byID, m.items[number].ID)
	delete(m.items, number)
	m.index.Remove(number)
}
