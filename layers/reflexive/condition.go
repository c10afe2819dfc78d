package reflexive

import (
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How an alert says that it states a condition, and which.
const (
	typeAlert      = "alert"
	labelStatus    = "alertstatus"
	statusFiring   = "firing"
	statusResolved = "resolved"
	labelAlertName = "alertname"
)

// condition is what an alert last said. Samples, log lines and events have none: their count
// or their value is the message.
type condition struct {
	firing   bool
	severity layers.Severity
	text     digest
	opener   uint64 // origin of the signal that opened it
	first    int64  // received, Unix microseconds
	last     int64
	seen     uint64
}

// decideAlert answers alerts that repeat themselves and alerts that are over. Whatever is new
// about an alert (it fires, its severity or its text changes) is left to the rules.
func (l *Layer) decideAlert(e *layers.Envelope) (d layers.Decision, ok bool) {
	status := e.Labels[labelStatus]
	if e.Type != typeAlert || status != statusFiring && status != statusResolved {
		return layers.Decision{}, false
	}
	key, now := l.hash.condition(&e.Signal), e.ReceivedAt.UnixMicro()
	known := l.conditions.get(key)
	if known == nil || !l.within(known.last, now) {
		known = l.conditions.put(key, condition{opener: e.Origin, first: now})
	} else {
		l.conditions.touch(key)
	}
	if status == statusResolved {
		return l.over(known, e), true
	}
	return l.fires(known, e)
}

// fires suppresses a firing alert that says what it said before.
func (l *Layer) fires(c *condition, e *layers.Envelope) (d layers.Decision, ok bool) {
	text, now := l.hash.text(e.Text), e.ReceivedAt.UnixMicro()
	if !c.firing { // It is over or was never seen: this is a new condition.
		*c = condition{firing: true, opener: e.Origin, first: now}
	}
	repeats := c.seen > 0 && c.opener != e.Origin && c.severity == e.Severity && c.text == text
	c.severity, c.text, c.last = e.Severity, text, now
	c.seen++
	if !repeats {
		return layers.Decision{}, false
	}
	l.stats.repeatedAlerts.Add(1)
	return layers.Decision{
		Disposition: layers.DispositionSuppressed,
		Reason:      fmt.Sprintf("the %s still fires: first seen %s, seen %d times", describe(e), clock(c.first), c.seen),
	}, true
}

// over ends the condition, so that the next firing breaks through.
func (l *Layer) over(c *condition, e *layers.Envelope) layers.Decision {
	was, now := *c, e.ReceivedAt.UnixMicro()
	*c = condition{opener: e.Origin, first: now, last: now, seen: 1}
	switch {
	case was.firing:
		lasted := time.Duration(max(0, now-was.first)) * time.Microsecond
		return layers.Decision{
			Disposition: layers.DispositionResolved,
			Reason:      fmt.Sprintf("the %s is over after %s, seen %d times", describe(e), lasted.Round(time.Millisecond), was.seen),
		}
	case was.seen > 0 && was.opener != e.Origin:
		c.opener, c.first, c.seen = was.opener, was.first, was.seen+1
		l.stats.repeatedAlerts.Add(1)
		return layers.Decision{
			Disposition: layers.DispositionSuppressed,
			Reason:      fmt.Sprintf("the %s was reported to be over at %s already", describe(e), clock(was.first)),
		}
	default:
		return layers.Decision{
			Disposition: layers.DispositionResolved,
			Reason:      fmt.Sprintf("the %s is over; its start was not seen within %s", describe(e), l.window),
		}
	}
}

func describe(e *layers.Envelope) string {
	name := e.Labels[labelAlertName]
	if name == "" {
		name = e.Text
	}
	return "alert " + clip(name) + " on " + clip(e.Key)
}
