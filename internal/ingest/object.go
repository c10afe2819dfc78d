package ingest

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// object reads one JSON object: a CloudEvent, HAL9's own form, or anything else.
func (d *Decoder) object(data []byte, o *origin) (Item, error) {
	var room [roomMembers]member
	members, err := scanObject(data, room[:0])
	if err != nil {
		return Item{}, err
	}
	if isCloudEvent(members) {
		return d.structured(members, o)
	}
	p := pick(members)
	s := draft{}
	if isOwnForm(&p) {
		err = s.ownForm(&p)
	} else {
		err = s.anyObject(&p, o.time)
		s.Data = data
	}
	if err != nil {
		return Item{}, err
	}
	return d.finish(&s, o)
}

// anyObject reads what any sender's JSON object says.
func (s *draft) anyObject(p *picked, now time.Time) error {
	if err := s.content(p, now); err != nil {
		return err
	}
	if err := s.identity(p); err != nil {
		return err
	}
	if m, ok := p.get(fieldKey); ok && m.isSentence() {
		s.Key = ""
	}
	return nil
}

// identity reads who says what kind of thing about what, and when. An id or time that
// cannot be read is an error: without them duplicates and windows would silently go wrong.
func (s *draft) identity(p *picked) error {
	if m, ok := p.strange(fieldID); ok {
		return &fieldError{field: string(m.name), problem: "is " + m.kind.String(), want: "a string or a number"}
	}
	if m, ok := p.strange(fieldTime); ok {
		return &fieldError{field: string(m.name), problem: "is " + m.kind.String(), want: wantTime}
	}
	for _, part := range [...]struct {
		field field
		into  *string
		limit int
	}{
		{fieldID, &s.ID, maxIDBytes},
		{fieldSource, &s.Source, maxSourceBytes},
		{fieldType, &s.Type, maxTypeBytes},
		{fieldKey, &s.Key, maxKeyBytes},
	} {
		m, ok := p.get(part.field)
		if !ok || (part.field == fieldType && s.Type != "") {
			continue
		}
		text := m.text()
		if err := checkName("", text, part.limit); err != nil {
			return named(err, m.name)
		}
		*part.into = text
	}
	if err := s.when(p); err != nil {
		return err
	}
	if m, ok := p.get(fieldTrace); ok {
		s.trace = m.text()
	}
	return nil
}

// when reads the time. Where it cannot be read, another field that tells it counts; what is recognised by its shape may know it.
func (s *draft) when(p *picked) error {
	m, ok := p.get(fieldTime)
	if ok {
		t, err := parseTime(m.text())
		if err == nil {
			s.Time = t
			return nil
		}
		if _, other := p.get(fieldMoment); !other && s.Time.IsZero() {
			return named(err, m.name)
		}
	}
	if m, ok := p.get(fieldMoment); ok && s.Time.IsZero() {
		s.Time, _ = momentOf(m.text())
	} else if m, ok := p.get(fieldEventTime); ok && s.Time.IsZero() {
		s.Time, _ = m.moment()
	}
	return nil
}

// content reads what the signal says: severity, text, value, labels and which entity it
// hints at. Kubernetes events and alerts are recognised by their shape; they also give
// type and time, which the caller may know better.
func (s *draft) content(p *picked, now time.Time) error {
	if err := s.common(p); err != nil {
		return err
	}
	switch {
	case isKubernetesEvent(p):
		return s.kubernetes(p)
	case s.Labels[alertNameLabel] != "":
		return s.alert(p, now)
	}
	if _, ok := p.get(fieldInTrace); ok && s.span(p) {
		return checkLabels(s.Labels)
	}
	if done, err := s.otherAlert(p, now); done || err != nil {
		return err
	}
	s.innerSeverity(p)
	if m, ok := p.get(fieldHint); ok {
		s.hint = m.text()
		return nil
	}
	s.hint = labelHint(s.Labels, hintNames[:])
	return nil
}

// otherAlert reads alerts that are not in Alertmanager's shape; done is false where the object is none.
func (s *draft) otherAlert(p *picked, now time.Time) (done bool, err error) {
	if list, ok := isAlertGroup(p); ok {
		return true, s.alertGroup(p, list, now)
	}
	if all := kubeConditions(p); len(all) > 0 {
		return true, s.kubeAlert(p, all)
	}
	if !hasClue(p) && !isAlertKind(s.Type) {
		return false, nil
	}
	n, ok := readNotice(p, s.Type)
	if !ok {
		return false, nil
	}
	return true, s.condition(&n, p)
}

// common reads the fields that mean the same in every object.
func (s *draft) common(p *picked) (err error) {
	if m, ok := p.get(fieldLabels); ok {
		if s.Labels, err = parseLabels(m.raw); err != nil {
			return err
		}
	}
	if m, ok := p.get(fieldText); ok {
		s.Text = m.text()
	}
	if m, ok := p.get(fieldValue); ok {
		if s.Value, err = m.number(); err != nil {
			return err
		}
		s.HasValue = true
	}
	if m, ok := p.get(fieldSeverity); ok {
		s.Severity, _ = m.severity()
	} else if m, ok := p.strange(fieldSeverity); ok {
		s.keepSeverity(m.text())
	}
	return nil
}

// innerSeverity finds the severity of an object that states none itself: in its member log, as Elastic's common schema has
// it, or in its message, as a line states it.
func (s *draft) innerSeverity(p *picked) {
	if s.Severity != layers.SeverityUnset {
		return
	}
	if i := p.odd[fieldText]; i > 0 && p.members[i-1].kind == kindObject {
		if level, ok := lookup(p.members[i-1].raw, "level"); ok {
			s.stateSeverity(level.text())
		}
	}
	if s.Severity == layers.SeverityUnset && s.Labels["severity"] == "" {
		s.Severity = lineSeverity(s.Text)
	}
}

// keepSeverity keeps a severity that HAL9 does not know as a label, so that rules can use it.
func (s *draft) keepSeverity(word string) {
	if word == "" || len(word) > maxLabelValueBytes || len(s.Labels) >= maxLabels {
		return
	}
	if _, has := s.Labels["severity"]; !has {
		s.setLabel("severity", word)
	}
}

// stateSeverity reads a severity word; one that is not known is kept as a label.
func (s *draft) stateSeverity(word string) {
	severity, err := layers.ParseSeverity(word)
	if err != nil {
		s.keepSeverity(word)
		return
	}
	s.Severity = severity
}

// labelHint returns the first of the named labels that can be a key.
func labelHint(labels map[string]string, names []string) string {
	if len(labels) == 0 {
		return ""
	}
	for _, name := range names {
		if value := labels[name]; value != "" && checkName("", value, maxKeyBytes) == nil {
			return value
		}
	}
	return ""
}
