package ingest

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// alertType is the type of signals made from alerts.
const alertType = "alert"

// The label that says whether an alert fires, and its values.
const (
	alertStatusLabel = "alertstatus"
	alertFiring      = "firing"
	alertResolved    = "resolved"
)

// alertHintNames are the labels that tell an alert's entity, in this order: Prometheus
// names the scraped target "instance", and the alert's name is the last resort.
var alertHintNames = [...]string{
	"instance", "host", "hostname", "service", "service.name", "service_name", "pod", "node",
	"device", "device_id", "sensor", "container", "app", "job", "alertname",
}

// alertTexts are the annotations that tell people what is wrong, in this order.
var alertTexts = [...]string{"summary", "description", "message"}

// alert reads one alert in Alertmanager's shape; labels are read already. A resolved alert
// is good news, so its severity is info; the label keeps the rule's severity.
func (s *draft) alert(p *picked, now time.Time) error {
	if s.Type == "" {
		s.Type = alertType
	}
	start, err := alertTime(p, fieldStartsAt)
	if err != nil {
		return err
	}
	end, err := alertTime(p, fieldEndsAt)
	if err != nil {
		return err
	}
	if !start.IsZero() && !end.IsZero() && end.Before(start) {
		return &fieldError{field: "endsAt", problem: "is before startsAt", want: "the time at which the alert ended"}
	}
	status := p.alertStatus(end, now)
	s.setLabel(alertStatusLabel, status)
	s.stateAlert(p, status)
	if s.Time.IsZero() {
		if s.Time = start; status == alertResolved && !end.IsZero() {
			s.Time = end
		}
	}
	if s.hint = labelHint(s.Labels, alertHintNames[:]); s.hint == "" {
		if m, ok := p.get(fieldHint); ok {
			s.hint = m.text()
		}
	}
	return checkLabels(s.Labels)
}

// alertStatus finds whether an alert in Alertmanager's shape fires. Its word counts; where there is none, or it is that
// of Alertmanager's API, which calls an alert active until it forgets it, the alert is over once endsAt has come: by
// the time at which it was updated, where it says so, else by now.
func (p *picked) alertStatus(end, now time.Time) string {
	word, told := p.statusWord()
	if _, byWord := p.get(fieldStatus); told && (byWord || word.status == alertResolved) {
		return word.status
	}
	for i := range p.members {
		if m := &p.members[i]; string(m.name) == "updatedAt" {
			if t, ok := m.moment(); ok {
				now = t
			}
		}
	}
	if !end.IsZero() && !end.After(now) {
		return alertResolved
	}
	return alertFiring
}

// stateAlert reads severity and text.
func (s *draft) stateAlert(p *picked, status string) {
	if word := s.Labels["severity"]; word != "" && s.Severity == layers.SeverityUnset {
		s.stateSeverity(word)
	}
	if status == alertResolved {
		s.Severity = layers.SeverityInfo
	}
	if m, ok := p.get(fieldAnnotations); ok && s.Text == "" {
		for _, name := range alertTexts {
			if found, ok := lookup(m.raw, name); ok && found.kind == kindString && found.text() != "" {
				s.Text = found.text()
				return
			}
		}
	}
	if s.Text == "" {
		s.Text = s.Labels["alertname"]
	}
}

// alertTime reads startsAt or endsAt. Go's zero time, which Alertmanager sends for "not
// yet", is none.
func alertTime(p *picked, f field) (time.Time, error) {
	if m, ok := p.strange(f); ok {
		return time.Time{}, &fieldError{field: string(m.name), problem: "is " + m.kind.String(), want: wantTime}
	}
	m, ok := p.get(f)
	if !ok {
		return time.Time{}, nil
	}
	text := m.text()
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.IsZero() {
		return time.Time{}, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return time.Time{}, named(err, m.name)
	}
	return t, nil
}
