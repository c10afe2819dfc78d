package ingest

import (
	"strings"
)

// kubernetesType is the type of signals made from Kubernetes Event objects.
const kubernetesType = "io.k8s.event"

// isKubernetesEvent reports whether the object is a Kubernetes Event (core/v1 or
// events.k8s.io/v1).
func isKubernetesEvent(p *picked) bool {
	m, ok := p.get(fieldInvolved)
	if !ok {
		return false
	}
	kind, okKind := lookup(m.raw, "kind")
	name, okName := lookup(m.raw, "name")
	return okKind && okName && kind.shortText() != "" && name.shortText() != ""
}

// kubernetes reads a Kubernetes Event. Its type field (Normal, Warning) is a severity. The
// id is the object's uid with its version: the same Event sent twice is a duplicate, its
// next occurrence is not.
func (s *draft) kubernetes(p *picked) error {
	if s.Type == "" {
		s.Type = kubernetesType
	}
	if m, ok := p.get(fieldType); ok {
		s.stateSeverity(m.text())
	}
	involved, _ := p.get(fieldInvolved)
	parts := make([]string, 0, 3)
	for _, name := range [...]string{"kind", "namespace", "name"} {
		if m, ok := lookup(involved.raw, name); ok && m.text() != "" {
			parts = append(parts, m.text())
		}
	}
	if hint := strings.Join(parts, "/"); checkName("", hint, maxKeyBytes) == nil {
		s.hint = hint
	}
	if m, ok := p.get(fieldReason); ok && len(s.Labels) < maxLabels && len(m.raw) <= maxLabelValueBytes {
		s.setLabel("reason", m.text())
	}
	if m, ok := p.get(fieldMetadata); ok && s.ID == "" {
		s.ID = kubernetesID(m.raw)
	}
	m, ok := p.get(fieldEventTime)
	if !ok || !s.Time.IsZero() {
		return nil
	}
	t, err := parseTime(m.text())
	if err != nil {
		return named(err, m.name)
	}
	s.Time = t
	return nil
}

// kubernetesID returns uid/resourceVersion, or "" without a uid.
func kubernetesID(metadata []byte) string {
	uid, ok := lookup(metadata, "uid")
	if !ok || uid.shortText() == "" {
		return ""
	}
	id := uid.shortText()
	if version, ok := lookup(metadata, "resourceVersion"); ok && version.shortText() != "" {
		id += "/" + version.shortText()
	}
	if len(id) > maxIDBytes {
		return ""
	}
	return id
}
