package tactical

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// NoteOutcome is the kind of the notes that tell what became of a situation. Their data is an Outcome.
const NoteOutcome layers.NoteKind = "outcome"

// maxWordOfBytes bounds what a person said of an outcome.
const maxWordOfBytes = 200

// Outcome is a part of what became of a situation: what is known is set. Parts may come in any order and more than once.
type Outcome struct {
	SituationID string           `json:"situation_id"`
	Closed      bool             `json:"closed,omitempty"`
	Open        int64            `json:"open,omitempty"`    // for how long it had been open when it was closed, seconds of event time
	PlanID      string           `json:"plan_id,omitempty"` // the plan that Plan is about
	Plan        layers.PlanEvent `json:"plan,omitempty"`    // executed, failed or rejected
	Word        Word             `json:"word,omitempty"`    // of a person
	Text        string           `json:"text,omitempty"`    // what the person said
	At          int64            `json:"at,omitempty"`      // when, Unix milliseconds: the last word counts
}

// Word is what a person says of how a situation was dealt with.
type Word string

// The words.
const (
	WordHelped  Word = "helped"
	WordUseless Word = "useless"
)

// ParseWord reads a word.
func ParseWord(text string) (Word, error) {
	if w := Word(text); w == WordHelped || w == WordUseless {
		return w, nil
	}
	return "", fmt.Errorf("tactical: %q is no word on an outcome: want %s or %s", text, WordHelped, WordUseless)
}

// ending is what is known of what became of a situation.
type ending struct {
	Closed bool             `json:"closed,omitempty"`
	Open   int64            `json:"open,omitempty"`
	PlanID string           `json:"plan_id,omitempty"`
	Plan   layers.PlanEvent `json:"plan,omitempty"`
	Word   Word             `json:"word,omitempty"`
	Text   string           `json:"text,omitempty"`
	At     int64            `json:"at,omitempty"`
}

// Hear implements layers.Listener: it attaches an outcome to the situation where that is remembered.
func (l *Layer) Hear(n *layers.Note) error {
	var o Outcome
	var err error
	switch n.Kind {
	case NoteOutcome:
		err = json.Unmarshal(n.Data, &o)
	case layers.NotePlan:
		var p layers.Plan
		err = json.Unmarshal(n.Data, &p)
		o = Outcome{SituationID: p.SituationID, PlanID: p.ID, Plan: p.Event}
	}
	if err != nil {
		return fmt.Errorf("tactical: note %s: %w", n.ID, err)
	}
	r := l.memory.find(o.SituationID)
	if r == nil {
		return nil // It was forgotten, or never came here.
	}
	changed := *r
	changed.Ending.learn(&o)
	if changed.Ending != r.Ending {
		l.memory.replace(&changed)
	}
	return nil
}

// learn adds what o tells.
func (e *ending) learn(o *Outcome) {
	if o.Closed {
		e.Closed, e.Open = true, max(0, o.Open)
	}
	tried := e.Plan == layers.PlanExecuted || e.Plan == layers.PlanFailed
	if o.Plan == layers.PlanExecuted || o.Plan == layers.PlanFailed || o.Plan == layers.PlanRejected && !tried {
		e.Plan, e.PlanID = o.Plan, clip(o.PlanID, maxNameBytes)
	}
	if _, err := ParseWord(string(o.Word)); err == nil && o.At >= e.At {
		e.Word, e.Text, e.At = o.Word, line("%s", clip(o.Text, maxWordOfBytes)), o.At
	}
}

// again is what is still true of a situation that worsens.
func (e ending) again() ending {
	e.Closed, e.Open = false, 0
	return e
}

// merit says whether what was done helped: a person's word counts first, then that the plan was executed and
// the situation closed thereafter.
type merit int

const (
	meritUseless merit = iota - 1 // it did not help
	meritUnknown
	meritHelped
)

func (r *remembered) merit() merit {
	e := &r.Ending
	switch {
	case e.Word == WordHelped:
		return meritHelped
	case e.Word == WordUseless, e.Plan == layers.PlanFailed:
		return meritUseless
	case e.Plan == layers.PlanExecuted && e.Closed:
		return meritHelped
	default:
		return meritUnknown
	}
}

// outcome says what was done then and what became of it.
func (r *remembered) outcome() string {
	parts := []string{r.planned()}
	e := &r.Ending
	if e.Plan != "" {
		parts = append(parts, "plan "+string(e.Plan))
	}
	if e.Closed {
		parts = append(parts, "closed after "+lasting(e.Open))
	}
	switch r.merit() {
	case meritHelped:
		parts = append(parts, "last time this helped")
	case meritUseless:
		parts = append(parts, "last time this did not help")
	}
	if e.Text != "" {
		parts = append(parts, fmt.Sprintf("somebody said %q", e.Text))
	}
	return strings.Join(parts, "; ")
}

// planned says what was done then.
func (r *remembered) planned() string {
	switch {
	case r.PlanID == "" && r.Ending.Closed:
		return "no plan"
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

// lasting says for how long something was so.
func lasting(seconds int64) string {
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	switch {
	case seconds < 2*minute:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*hour:
		return fmt.Sprintf("%d min", seconds/minute)
	case seconds < 2*day:
		return fmt.Sprintf("%d h", seconds/hour)
	default:
		return fmt.Sprintf("%d days", seconds/day)
	}
}
