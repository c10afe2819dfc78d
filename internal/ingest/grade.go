package ingest

import (
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// azureGrades are Azure Monitor's severities, which begin at 0 and are written so. What others call SEV1 is their worst.
var azureGrades = map[string]layers.Severity{
	"Sev0": layers.SeverityCritical, "Sev1": layers.SeverityError, "Sev2": layers.SeverityWarning, "Sev3": layers.SeverityInfo, "Sev4": layers.SeverityDebug,
}

// grade reads how bad an alert is: a severity, also as the end of a constant such as ALERT_CRITICALITY_LEVEL_WARNING.
func (m *member) grade() (layers.Severity, bool) {
	if m.kind != kindString {
		return layers.SeverityUnset, false
	}
	word := strings.TrimSpace(m.text())
	if s, ok := azureGrades[word]; ok {
		return s, true
	}
	s, err := layers.ParseSeverity(word)
	if err != nil {
		s, err = layers.ParseSeverity(word[strings.LastIndexByte(word, '_')+1:])
	}
	return s, err == nil && s != layers.SeverityUnset
}
