package layers

import (
	"encoding/json"
	"time"
)

// NoteKind says what a note is about. Each kind belongs to whoever writes and whoever hears it.
type NoteKind string

// NotePlan tells L4 what became of a plan with actions: Data is the Plan with its last event, which is rejected, executed or failed.
const NotePlan NoteKind = "plan"

// NoteSituation tells L3 what L4 found out about a situation: Data is the Situation without its members and entities.
const NoteSituation NoteKind = "situation"

// Note is what a keyed layer is told beside signals: that its tuning changed, or what became of
// a plan or was found out about a situation. It stands in the layer's own stream, so that a replay hears it in the same place.
type Note struct {
	ID   string          `json:"id"` // made from the cause: a note may come twice
	Kind NoteKind        `json:"kind"`
	At   time.Time       `json:"at"` // when it was written
	Data json.RawMessage `json:"data"`
}

// Listener is a Layer that hears notes. A note that it heard before, or of a kind that it does
// not know, changes nothing. An error says that the note is of no use; it is reported, and the
// layer's state must be as before.
type Listener interface {
	Hear(n *Note) error
}
