package reflexive

import (
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How an alert says that it states a condition, and which.
const (
	labelStatus    = "alertstatus"
	statusFiring   = "firing"
	statusResolved = "resolved"
	labelAlertName = "alertname"
	labelAlertKey  = "alertkey" // its sender's own name for the condition, or ingest's: it counts alone
)

// isAlert reports whether a signal states a condition, and whether that holds.
func isAlert(s *layers.Signal) (firing, ok bool) {
	if len(s.Labels) == 0 {
		return false, false
	}
	status := s.Labels[labelStatus]
	return status == statusFiring, status == statusFiring || status == statusResolved
}

// ConditionID names the condition that a signal states; ok is false where it states none.
func ConditionID(s *layers.Signal) (id string, ok bool) {
	h := hasher{}
	_, ok = isAlert(s)
	return h.condition(s).String(), ok
}

// decideAlert decides an alert, and keeps what it says of its condition.
func (l *Layer) decideAlert(p *policy, a answer, e *layers.Envelope, firing bool) *layers.Decision {
	r := &report{
		e: e, key: l.hash.condition(&e.Signal), at: e.ReceivedAt.UnixMicro(), when: e.Time.UnixMicro(), window: l.board.window, flaps: &l.flaps,
	}
	if !firing {
		d := l.ends(p, a, e, r)
		return &d
	}
	r.text, r.groups = l.hash.text(e.Text), l.groups(p, a, &e.Signal)
	v, ack := l.board.fires(r)
	if d, ok := l.held(p, a, e, held{v: &v, ack: ack}); ok {
		return &d
	}
	if d, ok := l.repeats(&v, e); ok {
		return &d
	}
	d := l.byRule(p, a, e)
	if v.is.Flap.Since != 0 && d.Disposition == layers.DispositionEscalated {
		d = &layers.Decision{
			Disposition: layers.DispositionEscalated, Rule: ruleFlapping,
			Reason: fmt.Sprintf("the %s begins to flap: %d changes within %s", describe(e), len(v.is.Changes), l.flaps.Window),
		}
	}
	if !v.older {
		l.board.climbs(r)
	}
	return d
}

// ends decides an alert that is over.
func (l *Layer) ends(p *policy, a answer, e *layers.Envelope, r *report) layers.Decision {
	v := l.board.ends(r)
	if d, ok := l.silenced(p, a, e); ok {
		return d
	}
	if d, ok := l.flapping(&v, e); ok {
		return d
	}
	return l.over(&v, r)
}

// held is what may hold an alert back that fires.
type held struct {
	v   *view
	ack *Ack
}

// held suppresses what a silence, an inhibition, an acknowledgement or flapping hold back.
func (l *Layer) held(p *policy, a answer, e *layers.Envelope, h held) (d layers.Decision, ok bool) {
	if d, ok = l.silenced(p, a, e); ok {
		return d, ok
	}
	if d, ok = l.inhibited(p, a, e); ok {
		return d, ok
	}
	if d, ok = l.acknowledged(h.ack, e); ok {
		return d, ok
	}
	return l.flapping(h.v, e)
}

// repeats suppresses a firing alert that says no more than what climbed.
func (l *Layer) repeats(v *view, e *layers.Envelope) (d layers.Decision, ok bool) {
	if !v.repeats && !v.late {
		return d, false
	}
	if v.late {
		return layers.Decision{
			Disposition: layers.DispositionSuppressed,
			Reason:      fmt.Sprintf("the %s was reported to be over at %s already; this is about its start at %s", describe(e), clock(v.is.First), clock(v.is.Began)),
		}, true
	}
	eased := ""
	if v.eases {
		eased = fmt.Sprintf(", and eased from %s to %s", v.was.Shown.Severity, orUnset(e.Severity))
	}
	return layers.Decision{
		Disposition: layers.DispositionSuppressed,
		Reason:      fmt.Sprintf("the %s still fires%s: first seen %s, seen %d times", describe(e), eased, clock(v.is.First), v.is.Seen),
	}, true
}

func orUnset(s layers.Severity) string {
	if s == layers.SeverityUnset {
		return "unset"
	}
	return s.String()
}

// over answers that a condition has ended, so that the next firing breaks through.
func (l *Layer) over(v *view, r *report) layers.Decision {
	e, known := r.e, v.was.Seen > 0 && !r.expired
	switch {
	case known && v.was.Firing:
		lasted := time.Duration(max(0, r.when-v.was.Began, r.at-v.was.First)) * time.Microsecond
		return layers.Decision{
			Disposition: layers.DispositionResolved,
			Reason:      fmt.Sprintf("the %s is over after %s, seen %d times", describe(e), lasted.Round(time.Millisecond), v.was.Seen),
		}
	case known && v.was.Began != 0 && v.was.opener != e.Origin:
		return layers.Decision{
			Disposition: layers.DispositionSuppressed,
			Reason:      fmt.Sprintf("the %s was reported to be over at %s already", describe(e), clock(v.was.First)),
		}
	default:
		return layers.Decision{
			Disposition: layers.DispositionResolved,
			Reason:      fmt.Sprintf("the %s is over; its start was not seen within %s", describe(e), l.cfg.AlertWindow),
		}
	}
}

func describe(e *layers.Envelope) string {
	return "alert " + clip(nameOf(e)) + " on " + clip(e.Key)
}
