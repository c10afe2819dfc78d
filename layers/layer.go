// Package layers is HAL9's contract: what a signal is, what a layer answers, and
// which shapes leave the system. It imports the standard library only; everything
// else in the module points at it.
//
// A layer is a deterministic state machine. The same envelopes in the same order,
// from the same snapshot, give the same decisions: recovery after a crash replays
// the input since the last snapshot and relies on it. A layer therefore reads no
// clock, draws no random number and lets no map order reach a decision; time comes
// with the envelopes and with Tick.
package layers

import (
	"context"
	"fmt"
	"time"
)

// Name says which of the five layers is meant. Its text form ("L1".."L5") is part of
// subjects, verdicts and metrics.
type Name uint8

// The five layers, in the order in which a signal climbs.
const (
	NameL1 Name = iota + 1 // reflexive
	NameL2                 // implementation
	NameL3                 // operational
	NameL4                 // tactical
	NameL5                 // strategic
)

// Names lists the layers from the lowest to the highest.
func Names() []Name { return []Name{NameL1, NameL2, NameL3, NameL4, NameL5} }

var nameTexts = [...]string{"", "L1", "L2", "L3", "L4", "L5"}

var nameTitles = [...]string{"", "Reflexive", "Implementation", "Operational", "Tactical", "Strategic"}

// String returns "L1".."L5", or "L?" for the invalid zero value.
func (n Name) String() string {
	if n < NameL1 || n > NameL5 {
		return "L?"
	}
	return nameTexts[n]
}

// Title returns the layer's name for people, such as "Reflexive".
func (n Name) Title() string {
	if n < NameL1 || n > NameL5 {
		return "Unknown"
	}
	return nameTitles[n]
}

// Next returns the layer above; ok is false for L5.
func (n Name) Next() (next Name, ok bool) {
	return n + 1, n >= NameL1 && n < NameL5
}

// MarshalText writes "L1".."L5".
func (n Name) MarshalText() ([]byte, error) {
	if n < NameL1 || n > NameL5 {
		return nil, fmt.Errorf("layers: invalid layer %d", uint8(n))
	}
	return []byte(n.String()), nil
}

// UnmarshalText reads what ParseName reads.
func (n *Name) UnmarshalText(text []byte) (err error) {
	*n, err = ParseName(string(text))
	return err
}

// ParseName reads "L1".."L5", in either case.
func ParseName(text string) (Name, error) {
	if len(text) == 2 && (text[0] == 'L' || text[0] == 'l') && text[1] >= '1' && text[1] <= '5' {
		return Name(text[1] - '0'), nil
	}
	return 0, fmt.Errorf("layers: %q is no layer: want L1, L2, L3, L4 or L5", text)
}

// Layer decides signals, one at a time and in order. Decide may add to e.Findings.
// It returns an error only where it could not decide: Permanent(err) says that the same
// envelope will always fail (it becomes a dead letter at once), any other error is tried
// again. On an error the layer's state must be as before the call. Implementations need
// not be safe for concurrent use: the pipeline gives each instance one goroutine.
type Layer interface {
	Decide(ctx context.Context, e *Envelope) (Decision, error)
}

// Keeper is a Layer whose decisions depend on what it saw before. Snapshot returns the
// whole state in a form that the same version's Restore reads back; state is bounded.
type Keeper interface {
	Snapshot() ([]byte, error)
	Restore(snapshot []byte) error
}

// Ticker is a Layer with work that silence brings about, such as closing a situation that
// nothing joins any more. While Waiting, the pipeline writes the time into the layer's own
// stream when no signal comes, and hands it in as Tick in stream order: replay sees the same
// ticks in the same places. now is the wall clock of that moment, comparable with
// Envelope.ReceivedAt and not with event time.
type Ticker interface {
	Waiting() bool
	Tick(now time.Time) []Event
}
