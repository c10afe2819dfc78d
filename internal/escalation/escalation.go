// Package escalation owns whom people turn to when HAL9 is in trouble: the section `escalation` of hal9.yaml, which
// hal9 doctor prints beside what it finds.
package escalation

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// The severities of findings that a step can be for.
const (
	SeverityWarning  = "warning"
	SeverityCritical = "critical"
)

// MaxSteps bounds the section.
const MaxSteps = 20

// Step is one contact.
type Step struct {
	Severity string        `yaml:"severity" json:"severity,omitempty"` // of findings: warning or critical; empty for both
	Contact  string        `yaml:"contact" json:"contact"`             // who, and how: a name, a channel, a number; at most 200 characters
	After    time.Duration `yaml:"after" json:"after_ns,omitempty"`    // for how long people try without; 0s to 7d, default 0s: at once
}

// Validate reports every impossible value.
func (s Step) Validate() error {
	var problems []error
	switch s.Severity {
	case "", SeverityWarning, SeverityCritical:
	default:
		problems = append(problems, fmt.Errorf("escalation: severity %q: want warning or critical, or none for both", s.Severity))
	}
	switch {
	case strings.TrimSpace(s.Contact) == "":
		problems = append(problems, errors.New("escalation: contact is empty: want who and how, such as \"#platform-oncall\" or a telephone number"))
	case len(s.Contact) > 200:
		problems = append(problems, fmt.Errorf("escalation: contact has %d characters: want at most 200", len(s.Contact)))
	case strings.ContainsFunc(s.Contact, func(r rune) bool { return !unicode.IsPrint(r) }):
		problems = append(problems, errors.New("escalation: contact has characters that can't be printed: want one line of text"))
	}
	if s.After < 0 || s.After > 7*24*time.Hour {
		problems = append(problems, fmt.Errorf("escalation: after is %s: want 0s to 7d", s.After))
	}
	return errors.Join(problems...)
}

// For returns the steps for findings of a severity, in their order.
func For(steps []Step, severity string) (list []Step) {
	for _, step := range steps {
		if step.Severity == "" || step.Severity == severity {
			list = append(list, step)
		}
	}
	return list
}
