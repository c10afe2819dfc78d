// Package oncall is where people on call tell L1 what they know: silences and acknowledgements, from the command
// line and over HTTP. Every process of L1 hears of it by way of the bucket hal9_silences. What is asked for is
// checked as a whole, and nothing is stored where something is wrong.
package oncall

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// WrongError says what is wrong with what was asked for.
type WrongError struct{ Err error }

// Error implements error.
func (e *WrongError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *WrongError) Unwrap() error { return e.Err }

// NotFoundError says that there is no such thing.
type NotFoundError struct{ What string }

// Error implements error.
func (e *NotFoundError) Error() string { return "oncall: " + e.What }

// Desk is where people speak to L1.
type Desk struct {
	Bucket *bus.Reflexes
	Now    func() time.Time
	// Find returns the signal of an id, the latest where several have it; ok is false where there is none. Without a source any
	// source will do.
	Find func(ctx context.Context, id, source string) (s layers.Signal, ok bool, err error)
}

// Silence is a silence with what came of it.
type Silence struct {
	reflexive.Silence

	Active     bool   `json:"active"`
	Suppressed uint64 `json:"suppressed"` // as far as L1's processes told, every two seconds
}

// Ack is an acknowledgement with what came of it.
type Ack struct {
	reflexive.Ack

	Suppressed uint64 `json:"suppressed"`
}

// Request is a silence that somebody asks for.
type Request struct {
	When     string
	Reason   string
	Author   string
	For      time.Duration // or Until
	Until    time.Time
	Severity layers.Severity // the worst that it holds for; default error
}

// Silence stores a silence. The error is a *WrongError where it can't be.
func (d *Desk) Silence(ctx context.Context, r *Request) (Silence, error) {
	now := d.Now().UTC()
	s := reflexive.Silence{
		ID: "sil-" + strings.ToLower(rand.Text()[:8]), When: strings.TrimSpace(r.When), Reason: strings.TrimSpace(r.Reason), Author: strings.TrimSpace(r.Author),
		CreatedAt: now, Until: r.Until.UTC(), MaxSeverity: r.Severity,
	}
	if r.For != 0 && !r.Until.IsZero() {
		return Silence{}, wrong("give either for how long, or until when")
	}
	if r.Until.IsZero() {
		s.Until = now.Add(r.For)
	}
	if s.MaxSeverity == layers.SeverityUnset {
		s.MaxSeverity = reflexive.DefaultMaxSeverity
	}
	if strings.TrimSpace(s.When) != "" {
		if _, err := expr.Signal(s.When); err != nil {
			return Silence{}, wrong("when: %s", strings.TrimPrefix(err.Error(), "expr: "))
		}
	}
	change, err := reflexive.SilenceEntry(&s, now)
	if err != nil {
		return Silence{}, wrong("%s", strings.TrimPrefix(err.Error(), "reflexive: "))
	}
	known, err := d.Silences(ctx)
	if err != nil {
		return Silence{}, err
	}
	if len(known) >= reflexive.MaxSilences {
		return Silence{}, wrong("there are %d silences already: lift some", len(known))
	}
	return Silence{Silence: s, Active: true}, d.store(ctx, change)
}

func wrong(format string, args ...any) error { return &WrongError{fmt.Errorf(format, args...)} }

func (d *Desk) store(ctx context.Context, c reflexive.Change) error {
	return d.Bucket.Put(ctx, bus.Reflex{Name: c.Entry, Data: c.Data, TTL: c.TTL})
}

// Silences lists the silences, those that end last first; some that are over are still listed for an hour.
func (d *Desk) Silences(ctx context.Context) (list []Silence, err error) {
	counts := counter{}
	now := d.Now()
	err = d.Bucket.Read(ctx, func(e bus.Reflex) {
		var s reflexive.Silence
		if counts.take(e) || e.Data == nil || json.Unmarshal(e.Data, &s) != nil || s.Validate() != nil {
			return
		}
		list = append(list, Silence{Silence: s, Active: s.Until.After(now)})
	}, "silence.>", "counts.>")
	for i := range list {
		list[i].Suppressed = counts["silence:"+list[i].ID]
	}
	slices.SortFunc(list, func(a, b Silence) int {
		if c := b.Until.Compare(a.Until); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, err
}

// Lift ends a silence.
func (d *Desk) Lift(ctx context.Context, id string) (Silence, error) {
	list, err := d.Silences(ctx)
	if err != nil {
		return Silence{}, err
	}
	i := slices.IndexFunc(list, func(s Silence) bool { return s.ID == id })
	if i < 0 {
		return Silence{}, &NotFoundError{fmt.Sprintf("there is no silence %q", id)}
	}
	list[i].Active = false
	return list[i], d.store(ctx, reflexive.LiftSilence(id))
}

// counter sums what the processes say that they suppressed.
type counter map[string]uint64

// take reports whether an entry is counts, and adds them.
func (c counter) take(e bus.Reflex) bool {
	if !strings.HasPrefix(e.Name, "counts.") {
		return false
	}
	var counts map[string]uint64
	if json.Unmarshal(e.Data, &counts) == nil {
		for rule, n := range counts {
			c[rule] += n
		}
	}
	return true
}

// Suppressed returns how many signals each silence, acknowledgement and inhibition suppressed, and flapping.
func (d *Desk) Suppressed(ctx context.Context) (map[string]uint64, error) {
	counts := counter{}
	err := d.Bucket.Read(ctx, func(e bus.Reflex) { counts.take(e) }, "counts.>")
	return counts, err
}

// IsWrong reports whether what was asked for is at fault.
func IsWrong(err error) bool {
	_, ok := errors.AsType[*WrongError](err)
	return ok
}
