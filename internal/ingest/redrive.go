package ingest

import "time"

// Headers of a dead letter that was put back into L1, in lower case. They carry the name by which
// its second verdict is told from the first, which says dead.
const (
	redrivePrefix   = "hal9-"
	redriveOf       = "hal9-redrive-of"
	redriveID       = "hal9-signal-id"
	redriveReceived = "hal9-signal-received"
)

// redrive is what the headers say about a signal that was dead before. Without the first of them the
// others mean nothing: they are on dead letters, too, which somebody may have sent on by hand.
type redrive struct {
	of       string
	id       string
	received time.Time
}

func (r *redrive) read(name, value string) {
	switch name {
	case redriveOf:
		r.of = value
	case redriveID:
		r.id = usableID(value)
	case redriveReceived:
		// What is no time, or none that a signal may have, says nothing.
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil && checkTime("", t) == nil {
			r.received = t
		}
	}
}

// newID is the id of a redriven signal, empty for others.
func (r *redrive) newID() string {
	if r.of == "" {
		return ""
	}
	return r.id
}

// change has a redriven signal keep the time at which it first came, where it states none itself.
func (r *redrive) change(o *origin) {
	if o.again = r.newID(); o.again != "" && !r.received.IsZero() {
		o.time = r.received
	}
}
