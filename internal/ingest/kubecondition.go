package ingest

import (
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// goodConditions are the types of Kubernetes' conditions that are well while they are True; of badConditions, and of
// all that end like one of badEndings, that holds for False. Other types say neither.
var (
	goodConditions = [...]string{
		"Ready", "ContainersReady", "Available", "Initialized", "PodScheduled", "Healthy", "Established", "Progressing", "Synced", "Reconciled",
	}
	badConditions = [...]string{"Failed", "Degraded", "Stalled", "NetworkUnavailable", "ReplicaFailure"}
	badEndings    = [...]string{"Pressure", "Problem", "Deadlock", "Failure", "Failed", "Unavailable", "Unhealthy", "Readonly"}
)

// kubeCondition is one condition of a Kubernetes object.
type kubeCondition struct {
	kind, text string
	bad        bool
	since, at  time.Time
}

// readCondition reads {"type": "Ready", "status": "False", …}; ok is false where it tells neither good nor bad.
func readCondition(members []member) (c kubeCondition, ok bool) {
	var status, reason string
	for i := range members {
		m := &members[i]
		var room [maxStateWord]byte
		switch string(bare(room[:0], m.name)) {
		case "type":
			c.kind = m.shortText()
		case "status":
			status = m.shortText()
		case "reason":
			reason = m.text()
		case "message":
			c.text = m.text()
		case "lasttransitiontime":
			c.since, _ = m.moment()
		case "lastheartbeattime", "lastupdatetime", "lastprobetime":
			c.at, _ = m.moment()
		}
	}
	if c.text == "" {
		c.text = reason
	}
	if status != "True" && status != "False" && status != "Unknown" || strings.HasSuffix(reason, "Completed") {
		return c, false
	}
	switch good := slices.Contains(goodConditions[:], c.kind); {
	case good:
		c.bad = status != "True"
	case slices.Contains(badConditions[:], c.kind), slices.ContainsFunc(badEndings[:], func(end string) bool { return strings.HasSuffix(c.kind, end) }):
		c.bad = status == "True"
	default:
		return c, false
	}
	return c, true
}

// kubeConditions reads an object that is a condition, has one, or is a Kubernetes object with a list of them in its
// status. What is bad of a list is one alert about the object.
func kubeConditions(p *picked) (all []kubeCondition) {
	if m, ok := p.get(fieldStatus); ok && isConditionStatus(m.raw) {
		if c, ok := readCondition(p.members); ok && knowsObject(p.members) {
			return []kubeCondition{c}
		}
		return nil
	}
	for i := range p.members {
		m := &p.members[i]
		switch {
		case m.kind != kindObject:
		case string(m.name) == "condition":
			if c, ok := conditionOf(m.raw); ok {
				return []kubeCondition{c}
			}
		case string(m.name) == "status":
			return conditionList(m.raw)
		}
	}
	return nil
}

func isConditionStatus(raw []byte) bool {
	return string(raw) == `"True"` || string(raw) == `"False"` || string(raw) == `"Unknown"`
}

// knowsObject reports whether an object with a type and a status is a condition: it tells its reason, or since when.
func knowsObject(members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool {
		return strings.EqualFold(string(m.name), "lastTransitionTime") || strings.EqualFold(string(m.name), "reason")
	})
}

func conditionOf(raw []byte) (kubeCondition, bool) {
	var room [roomMembers]member
	members, err := scanObject(raw, room[:0])
	if err != nil {
		return kubeCondition{}, false
	}
	return readCondition(members)
}

// conditionList reads the conditions in an object's status.
func conditionList(status []byte) (all []kubeCondition) {
	list, ok := lookup(status, "conditions")
	if !ok || list.kind != kindArray {
		return nil
	}
	items, err := scanArray(list.raw, nil)
	if err != nil {
		return nil
	}
	for i := range items {
		if c, ok := conditionOf(items[i].raw); ok && items[i].kind == kindObject {
			all = append(all, c)
		}
	}
	return all
}

// kubeAlert makes the draft an alert about the conditions' object: which fires while one of them is bad.
func (s *draft) kubeAlert(p *picked, all []kubeCondition) error {
	s.Type = alertType
	if err := s.room(3); err != nil {
		return err
	}
	status, about := alertResolved, kubeObject(p.members)
	var bad, kinds []string
	for i := range all {
		c := &all[i]
		kinds = append(kinds, c.kind)
		if s.Time.IsZero() || c.at.After(s.Time) {
			s.Time = c.at
		}
		if !c.bad {
			continue
		}
		status = alertFiring
		bad = append(bad, c.kind)
		s.Text = c.text
	}
	if s.Time.IsZero() {
		s.Time = all[0].since
	}
	name := strings.Join(kinds[:1], "")
	if len(all) > 1 {
		name = "Conditions"
		slices.Sort(bad)
		s.Text = strings.TrimSpace(strings.Join(bad, ", ") + ": " + s.Text)
	}
	s.setLabel(alertStatusLabel, status)
	s.setLabel(alertNameLabel, name)
	s.setLabel(alertKeyLabel, digestOf([]string{about, name, s.Labels["cluster"]}))
	s.Severity = layers.SeverityInfo
	if status == alertFiring {
		s.Severity = layers.SeverityWarning
		if strings.HasPrefix(about, "Node/") && slices.Contains(bad, "Ready") {
			s.Severity = layers.SeverityError
		}
	}
	s.hint = about
	return checkLabels(s.Labels)
}

// kubeObject names the object as Kubernetes' Events do: kind/namespace/name.
func kubeObject(members []member) string {
	var kind, namespace, name string
	for i := range members {
		m := &members[i]
		switch string(m.name) {
		case "kind":
			kind = m.shortText()
		case "namespace":
			namespace = m.shortText()
		case "name":
			name = m.shortText()
		case "object", "metadata", "involvedObject", "regarding":
			if m.kind != kindObject {
				continue
			}
			for into, from := range map[*string]string{&kind: "kind", &namespace: "namespace", &name: "name"} {
				if found, ok := lookup(m.raw, from); ok && *into == "" {
					*into = found.shortText()
				}
			}
		}
	}
	parts := slices.DeleteFunc([]string{kind, namespace, name}, func(part string) bool { return part == "" })
	return strings.Join(parts, "/")
}
