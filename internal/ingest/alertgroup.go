package ingest

import (
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of what is read of a group of alerts.
const (
	maxGroup     = 500 // alerts that are looked at
	groupNames   = 20  // entities that the text names
	maxGroupText = 1000
)

// isAlertGroup reports whether an object is the body of Alertmanager's or Grafana's webhook, published as it came.
func isAlertGroup(p *picked) (alerts *member, ok bool) {
	m, ok := p.get(fieldAlerts)
	if !ok {
		return nil, false
	}
	_, stated := p.statusWord()
	return m, stated
}

// alertGroup reads such a body. One alert is read as it would be alone. Several are one signal, since a message is
// one: it fires while one of them does, is as severe as the worst, and says whom they are about, so that a group to
// which one was added is news.
func (s *draft) alertGroup(p *picked, list *member, now time.Time) error {
	all, err := scanArray(list.raw, nil)
	if err != nil {
		return err
	}
	g := group{}
	for i := range all[:min(len(all), maxGroup)] {
		if all[i].kind != kindObject {
			return &fieldError{field: "alerts", problem: "has " + all[i].kind.String(), want: "objects"}
		}
		a := draft{}
		if err := a.alertMember(all[i].raw, now); err != nil {
			return err
		}
		if len(all) == 1 {
			s.Type, s.Labels, s.Severity, s.Text, s.Time, s.hint = a.Type, a.Labels, a.Severity, a.Text, a.Time, a.hint
			return nil
		}
		g.add(&a)
	}
	if g.worst == nil {
		return &fieldError{field: "alerts", problem: "is empty", want: "at least one alert"}
	}
	return s.groupAlert(p, &g)
}

// alertMember reads one alert of a group.
func (s *draft) alertMember(raw []byte, now time.Time) (err error) {
	var room [roomMembers]member
	members, err := scanObject(raw, room[:0])
	if err != nil {
		return err
	}
	p := pick(members)
	if m, ok := p.get(fieldLabels); ok {
		if s.Labels, err = parseLabels(m.raw); err != nil {
			return err
		}
	}
	return s.alert(&p, now)
}

// group is what several alerts say together.
type group struct {
	worst *draft // of those that fire, or of all where none does
	names []string
	last  time.Time
}

func (g *group) add(a *draft) {
	fires := a.Labels[alertStatusLabel] == alertFiring
	worse := g.worst == nil || fires && (g.worst.Labels[alertStatusLabel] != alertFiring || a.Severity > g.worst.Severity)
	if worse {
		g.worst = a
	}
	if fires && !slices.Contains(g.names, a.hint) {
		g.names = append(g.names, a.hint)
	}
	if a.Time.After(g.last) {
		g.last = a.Time
	}
}

// groupAlert makes the draft the alert of a group.
func (s *draft) groupAlert(p *picked, g *group) error {
	s.Type, s.Severity, s.Time, s.hint = alertType, g.worst.Severity, g.last, g.worst.hint
	s.Labels = nil
	for i := range p.members {
		m := &p.members[i]
		if m.kind == kindObject && (string(m.name) == "commonLabels" || string(m.name) == "groupLabels") {
			labels, err := parseLabels(m.raw)
			if err != nil {
				return err
			}
			for name, value := range labels {
				s.setLabel(name, value)
			}
		}
	}
	if err := s.room(3); err != nil {
		return err
	}
	s.setLabel(alertStatusLabel, g.worst.Labels[alertStatusLabel])
	if s.Labels[alertNameLabel] == "" {
		s.setLabel(alertNameLabel, g.worst.Labels[alertNameLabel])
	}
	key := ""
	for i := range p.members {
		if m := &p.members[i]; string(m.name) == "groupKey" {
			key = m.text()
		}
	}
	s.setLabel(alertKeyLabel, digestOf([]string{"group", key, s.Labels[alertNameLabel]}))
	s.Text = g.text()
	if s.Severity == layers.SeverityUnset && g.worst.Labels[alertStatusLabel] == alertResolved {
		s.Severity = layers.SeverityInfo
	}
	return checkLabels(s.Labels)
}

// text says what is wrong and where.
func (g *group) text() string {
	if len(g.names) == 0 {
		return g.worst.Text
	}
	slices.Sort(g.names)
	text := g.worst.Text + " on " + strings.Join(g.names[:min(len(g.names), groupNames)], ", ")
	if len(g.names) > groupNames {
		text += " and others"
	}
	return text[:min(len(text), maxGroupText)]
}
