package ingest

import (
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// The labels that an alert of another shape than Alertmanager's gets: what is wrong, and which condition it is. L1
// knows the condition again by the latter, whatever else the sender changes.
const (
	alertNameLabel = "alertname"
	alertKeyLabel  = "alertkey"
)

// condition makes the draft an alert of what the notice says. The object's own recognised fields are read already.
func (s *draft) condition(n *notice, p *picked) error {
	if s.Type == "" {
		s.Type = alertType
	}
	if err := s.room(3); err != nil {
		return err
	}
	s.setLabel(alertStatusLabel, n.state.status)
	s.setLabel(alertKeyLabel, n.key(p, s))
	if name := n.text(dutyName); name != "" && s.Labels[alertNameLabel] == "" {
		s.setLabel(alertNameLabel, name)
	}
	s.gradeCondition(n)
	if text := withoutState(n.text(dutyText)); text != "" {
		s.Text = text
	} else if s.Text == "" {
		s.Text = s.Labels[alertNameLabel]
	}
	if s.Time.IsZero() {
		s.Time = n.time()
	}
	for _, d := range [...]duty{dutyEntity, dutyList, dutyName, dutyKey} {
		if s.hint = n.text(d); s.hint != "" {
			break
		}
	}
	return checkLabels(s.Labels)
}

// room verifies that so many labels can be added.
func (s *draft) room(n int) error {
	if len(s.Labels)+n > maxLabels {
		return &fieldError{field: "labels", problem: "there are too many", want: "room for what HAL9 adds to an alert"}
	}
	return nil
}

// gradeCondition finds how bad the condition is: as the sender says, else as its state's word does.
func (s *draft) gradeCondition(n *notice) {
	if n.has[dutyGrade] {
		s.Severity, _ = n.best[dutyGrade].grade()
	}
	switch {
	case n.state.status == alertResolved:
		s.Severity = layers.SeverityInfo
	case s.Severity == layers.SeverityUnset:
		s.Severity = n.state.severity
	}
}

// text returns what serves a duty, or "".
func (n *notice) text(d duty) string {
	if !n.has[d] {
		return ""
	}
	return n.best[d].text()
}

// time is when it was said, else when the condition began, or ended.
func (n *notice) time() time.Time {
	order := [...]duty{dutyTime, dutyStart}
	if n.state.status == alertResolved {
		order = [...]duty{dutyTime, dutyEnd}
	}
	for _, d := range order {
		if n.has[d] {
			t, _ := n.best[d].moment()
			return t
		}
	}
	if n.has[dutyStart] {
		t, _ := n.best[dutyStart].moment()
		return t
	}
	return time.Time{}
}

// withoutState drops the state that many senders put before their text: [Triggered] …, [FIRING:1] …, ALARM: ….
func withoutState(text string) string {
	if len(text) < 3 {
		return text
	}
	head, rest := "", ""
	if text[0] == '[' {
		head, rest, _ = strings.Cut(text[1:], "]")
	} else {
		head, rest, _ = strings.Cut(text, ": ")
	}
	word, _, _ := strings.Cut(head, ":")
	if _, ok := standingOf([]byte(word)); !ok || rest == "" {
		return text
	}
	return rest
}
