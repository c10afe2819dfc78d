package ingest

// parseLabels reads an object of labels. Numbers and booleans count as they are written;
// null, objects, arrays and members without a name are left out (they stay in the data).
func parseLabels(raw []byte) (map[string]string, error) {
	var room [roomMembers]member
	members, err := scanObject(raw, room[:0])
	if err != nil {
		return nil, err
	}
	var labels map[string]string
	for i := range members {
		m := &members[i]
		text, ok := m.scalar()
		if !ok || len(m.name) == 0 {
			continue
		}
		if labels == nil {
			labels = make(map[string]string, min(len(members)+1, maxLabels))
		}
		labels[string(m.name)] = text
		if len(labels) > maxLabels {
			break
		}
	}
	return labels, checkLabels(labels)
}

// scalar returns a string, number or boolean as text.
func (m *member) scalar() (string, bool) {
	switch m.kind {
	case kindString:
		return unquote(m.raw), true
	case kindNumber, kindBool:
		return string(m.raw), true
	default:
		return "", false
	}
}

// setLabel adds a label, or replaces one.
func (s *draft) setLabel(name, value string) {
	if s.Labels == nil {
		s.Labels = make(map[string]string, 2)
	}
	s.Labels[name] = value
}
