package layers

import (
	"errors"
	"fmt"
)

// Disposition says what became of a signal at a layer.
type Disposition uint8

// Dispositions. All but DispositionEscalated are final.
const (
	DispositionSuppressed Disposition = iota + 1 // duplicate, silenced, inhibited
	DispositionResolved                          // answered
	DispositionFolded                            // now part of a situation
	DispositionEscalated                         // handed up; never final
	DispositionDead                              // could not be processed; kept, with the reason
)

var dispositionTexts = [...]string{"", "suppressed", "resolved", "folded", "escalated", "dead"}

// Dispositions lists all of them.
func Dispositions() []Disposition {
	return []Disposition{
		DispositionSuppressed, DispositionResolved, DispositionFolded, DispositionEscalated, DispositionDead,
	}
}

// String returns the disposition's word, or "invalid".
func (d Disposition) String() string {
	if d < DispositionSuppressed || d > DispositionDead {
		return "invalid"
	}
	return dispositionTexts[d]
}

// MarshalText writes what String returns.
func (d Disposition) MarshalText() ([]byte, error) {
	if d < DispositionSuppressed || d > DispositionDead {
		return nil, fmt.Errorf("layers: invalid disposition %d", uint8(d))
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads a disposition's word.
func (d *Disposition) UnmarshalText(text []byte) error {
	for _, known := range Dispositions() {
		if known.String() == string(text) {
			*d = known
			return nil
		}
	}
	return fmt.Errorf("layers: %q is no disposition", text)
}

// Decision is a layer's answer to one signal.
type Decision struct {
	Disposition Disposition
	Reason      string // why, for people; never empty
	Rule        string // the rule, playbook or objective that decided, where one did

	// Again is true where the signal's id was decided before: the copy is counted under its
	// disposition and gets no verdict of its own.
	Again bool
	// Correlate is true where L3 flagged the signal and its correlator, which sees the flagged
	// signals of all keys, must decide: the envelope goes to partition 0 of the same layer.
	Correlate bool
	// Events are situations, plans and own signals to announce beside the decision.
	Events []Event
}

// Event is something to announce: exactly one of its fields is set.
type Event struct {
	Situation *Situation
	Plan      *Plan
	// Signal is one that HAL9 itself sends: it enters L1 as any other does. Its id is made from
	// its cause, so that a replay sends the same one, and its source is "hal9".
	Signal *Signal
}

// Permanent marks err as one that the same input will always cause.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err is marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }
