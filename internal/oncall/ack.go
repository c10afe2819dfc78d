package oncall

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// AckRequest says which alerts somebody knows of: the one that a signal states, or all that fire on a key.
type AckRequest struct {
	SignalID string
	Source   string // of the signal; may be empty
	Key      string
	Author   string
	Reason   string
}

// Ack stores an acknowledgement for each alert that is meant. The error is a *WrongError where something is wrong with
// what was asked for, and a *NotFoundError where no such alert fires.
func (d *Desk) Ack(ctx context.Context, r *AckRequest) ([]Ack, error) {
	alerts, err := d.meant(ctx, r)
	if err != nil {
		return nil, err
	}
	var done []Ack
	for _, alert := range alerts {
		ack := reflexive.Ack{
			ID: alert.ID, Source: alert.Source, Key: alert.Key, Name: alert.Name, Severity: alert.Severity,
			Author: strings.TrimSpace(r.Author), Reason: strings.TrimSpace(r.Reason), At: givenAt(d.Now(), alert.LastSeen),
		}
		change, err := reflexive.AckEntry(&ack)
		if err != nil {
			return done, wrong("%s", strings.TrimPrefix(err.Error(), "reflexive: "))
		}
		if err := d.store(ctx, change); err != nil {
			return done, err
		}
		done = append(done, Ack{Ack: ack})
	}
	return done, nil
}

// givenAt is when an acknowledgement counts from: the clock of whoever gives it may be ahead of that by which signals are received,
// and the alert may end before it is stored. So it is never later than the last that is known of its alert.
func givenAt(now, lastSeen time.Time) time.Time {
	if lastSeen.Before(now) {
		return lastSeen.UTC()
	}
	return now.UTC()
}

// meant returns the alerts that are to be acknowledged.
func (d *Desk) meant(ctx context.Context, r *AckRequest) ([]reflexive.Alert, error) {
	if (r.SignalID == "") == (r.Key == "") {
		return nil, wrong("say which alert: either the id of one of its signals, or a key")
	}
	firing, err := d.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	if r.Key != "" {
		of := slices.DeleteFunc(slices.Clone(firing), func(a reflexive.Alert) bool { return a.Key != r.Key || r.Source != "" && a.Source != r.Source })
		if len(of) == 0 {
			return nil, &NotFoundError{fmt.Sprintf("no alert fires on key %q", r.Key) + nearKeys(r.Key, firing)}
		}
		return of, nil
	}
	s, ok, err := d.Find(ctx, r.SignalID, r.Source)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &NotFoundError{fmt.Sprintf("there is no signal %q in HAL9_L1", r.SignalID)}
	}
	id, ok := reflexive.ConditionID(&s)
	if !ok {
		return nil, wrong("signal %q is no alert: only what states a condition can be acknowledged; silence it instead", r.SignalID)
	}
	for tries := 1; ; tries++ {
		if i := slices.IndexFunc(firing, func(a reflexive.Alert) bool { return a.ID == id }); i >= 0 {
			return firing[i : i+1], nil
		}
		if tries == tellTries {
			return nil, &NotFoundError{fmt.Sprintf("the alert of signal %q does not fire, or not any more", r.SignalID)}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(tellPause):
		}
		if firing, err = d.Alerts(ctx); err != nil {
			return nil, err
		}
	}
}

// How often, and how long after each other, it is looked whether an alert fires: L1's processes tell of one that has just begun within a second.
const (
	tellTries = 5
	tellPause = 250 * time.Millisecond
)

// nearKeys names keys on which alerts fire, for somebody who mistyped one: the one that is meant, or else the first few.
func nearKeys(key string, firing []reflexive.Alert) string {
	var keys []string
	for i := range firing {
		if !slices.Contains(keys, firing[i].Key) {
			keys = append(keys, firing[i].Key)
		}
	}
	if near := expr.Nearest(key, keys); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	if len(keys) == 0 {
		return ", nor on any other"
	}
	text := fmt.Sprintf(": alerts fire on %q", keys[:min(len(keys), keysShown)])
	if more := len(keys) - keysShown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// keysShown is how many keys an error names.
const keysShown = 5

// Alerts lists the alerts that fire, the worst first.
func (d *Desk) Alerts(ctx context.Context) (list []reflexive.Alert, err error) {
	err = d.Bucket.Read(ctx, func(e bus.Reflex) {
		if a, ok := reflexive.ReadAlert(e.Name, e.Data); ok && a.Firing {
			list = append(list, a)
		}
	}, "alert.>")
	slices.SortFunc(list, func(a, b reflexive.Alert) int {
		if a.Severity != b.Severity {
			return int(b.Severity) - int(a.Severity)
		}
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, err
}

// Acks lists the acknowledgements, the oldest first.
func (d *Desk) Acks(ctx context.Context) (list []Ack, err error) {
	counts := counter{}
	err = d.Bucket.Read(ctx, func(e bus.Reflex) {
		var a reflexive.Ack
		if counts.take(e) || e.Data == nil || json.Unmarshal(e.Data, &a) != nil || a.Validate() != nil {
			return
		}
		list = append(list, Ack{Ack: a})
	}, "ack.>", "counts.>")
	for i := range list {
		list[i].Suppressed = counts["ack:"+list[i].ID[:12]]
	}
	slices.SortFunc(list, func(a, b Ack) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, err
}

// Unack takes an acknowledgement back; the beginning of its id is enough where it is the only one.
func (d *Desk) Unack(ctx context.Context, id string) (Ack, error) {
	list, err := d.Acks(ctx)
	if err != nil {
		return Ack{}, err
	}
	of := slices.DeleteFunc(list, func(a Ack) bool { return id == "" || !strings.HasPrefix(a.ID, id) })
	switch len(of) {
	case 0:
		return Ack{}, &NotFoundError{fmt.Sprintf("there is no acknowledgement %q", id)}
	case 1:
		lift := reflexive.LiftAck(of[0].ID, of[0].At)
		return of[0], d.Bucket.Delete(ctx, lift.Entry, lift.Means)
	default:
		return Ack{}, wrong("%d acknowledgements begin with %q", len(of), id)
	}
}

// Finder looks for signals in the stream of L1.
type Finder struct {
	Bus    *bus.Bus
	Stream string
	Decode func(m *bus.Message) (layers.Signal, bool)
}

// Find is for Desk.
func (f *Finder) Find(ctx context.Context, id, source string) (s layers.Signal, ok bool, err error) {
	_, ok, err = f.Bus.FindLast(ctx, f.Stream, func(m *bus.Message) bool {
		found, readable := f.Decode(m)
		if !readable || found.ID != id || source != "" && found.Source != source {
			return false
		}
		s = found
		return true
	})
	return s, ok, err
}
