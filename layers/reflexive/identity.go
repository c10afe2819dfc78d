package reflexive

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// identity is what is remembered of a signal that was decided.
type identity struct {
	origin     uint64 // where the signal that was decided is stored
	at         int64  // when it was received, Unix microseconds
	remembered bool   // by Remember: origin, at and decision are unknown
	decision   *layers.Decision
}

// Remember marks the signal as one that has its verdict, given before this layer started. A
// later signal with that identity is a duplicate of it, however old the verdict is.
func (l *Layer) Remember(source, id string) {
	key := l.hash.identity(source, id)
	if l.identities.get(key) == nil {
		l.identities.put(key, identity{remembered: true})
	}
}

// duplicate suppresses e because of what was seen.
func (l *Layer) duplicate(seen *identity, e *layers.Envelope) layers.Decision {
	reason := "duplicate: " + clip(e.ID) + " of " + clip(e.Source)
	if seen.remembered {
		reason += " had its verdict before this layer started"
	} else {
		reason += " came first at " + clock(seen.at) + ", within the window of " + l.window
	}
	return layers.Decision{Disposition: layers.DispositionSuppressed, Again: true, Reason: reason}
}

func clock(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.000Z")
}
