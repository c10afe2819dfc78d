package operational

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/2lab-ai/hal9/layers"
)

const (
	maxPatterns      = 100 // patterns of a configuration
	maxPatternParts  = 16  // conditions of one
	maxPatternName   = 100 // bytes
	maxPatternWithin = 7 * 24 * time.Hour
)

// Pattern is what people know to be trouble, of signals that need not be unusual each. Exactly one of Distinct, Any, Sequence and
// Missing says of what kind it is.
type Pattern struct {
	Name     string          `yaml:"name"`     // unique
	Title    string          `yaml:"title"`    // of the situation; the name where empty
	Severity layers.Severity `yaml:"severity"` // of the situation; default error
	Within   time.Duration   `yaml:"within"`   // in event time; 1s to 7d
	By       []string        `yaml:"by"`       // fields whose values the signals must share: source, type, key, labels.x, data.x; default none
	When     string          `yaml:"when"`     // which signals count, with Distinct; which are to be followed, with Missing
	Distinct string          `yaml:"distinct"` // field of which Count different values within Within are a match
	Count    int             `yaml:"count"`    // with Distinct and Any
	Any      []string        `yaml:"any"`      // conditions of which Count different ones are a match
	Sequence []string        `yaml:"sequence"` // conditions that signals meet one after the other
	Without  string          `yaml:"without"`  // with Sequence: what must not come in between
	Missing  string          `yaml:"missing"`  // what must follow When within Within; a match where it does not
}

// Conditions returns the pattern's expressions, the last one that of Without or Missing where there is one.
func (p *Pattern) Conditions() []string {
	var all []string
	switch {
	case len(p.Any) > 0:
		all = slices.Clone(p.Any)
	case len(p.Sequence) > 0:
		all = slices.Clone(p.Sequence)
	default:
		all = []string{p.When}
	}
	for _, last := range [...]string{p.Without, p.Missing} {
		if last != "" {
			all = append(all, last)
		}
	}
	return all
}

// ValidatePatterns returns all problems of the patterns, joined.
func ValidatePatterns(patterns []Pattern) error {
	var problems []error
	if len(patterns) > maxPatterns {
		problems = append(problems, fmt.Errorf("operational: %d patterns: want at most %d", len(patterns), maxPatterns))
	}
	for i := range patterns {
		problems = append(problems, patterns[i].validate(i))
	}
	return errors.Join(problems...)
}

// validate reports what is wrong with the pattern at position i of the configuration.
func (p *Pattern) validate(i int) error {
	var problems []error
	wrong := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("operational: patterns[%d]."+format, append([]any{i}, args...)...))
		}
	}
	wrong(strings.TrimSpace(p.Name) != "" && len(p.Name) <= maxPatternName && !strings.ContainsFunc(p.Name, unicode.IsControl),
		"name is %q: want one line of 1 to %d bytes", p.Name, maxPatternName)
	wrong(p.Within >= time.Second && p.Within <= maxPatternWithin, "within is %v: want 1s to 7d", p.Within)
	for j, field := range p.By {
		wrong(isField(field), "by[%d] is %q: want source, type, key, labels.x or data.x", j, field)
	}
	wrong(len(p.By) <= maxPatternParts, "by has %d fields: want at most %d", len(p.By), maxPatternParts)
	kinds := 0
	for _, is := range [...]bool{p.Distinct != "", len(p.Any) > 0, len(p.Sequence) > 0, p.Missing != ""} {
		if is {
			kinds++
		}
	}
	wrong(kinds == 1, "name %q says %d kinds of pattern: want exactly one of distinct, any, sequence and missing", p.Name, kinds)
	if kinds == 1 {
		p.validateKind(wrong)
	}
	return errors.Join(problems...)
}

func (p *Pattern) validateKind(wrong func(ok bool, format string, args ...any)) {
	counts, follows := p.Distinct != "" || len(p.Any) > 0, p.Distinct != "" || p.Missing != ""
	wrong((p.When != "") == follows, "when is %q: want a condition with distinct and missing, and none else", p.When)
	wrong((p.Count != 0) == counts, "count is %d: want a number with distinct and any, and none else", p.Count)
	wrong(p.Without == "" || len(p.Sequence) > 0, "without is %q: it needs a sequence", p.Without)
	switch {
	case p.Distinct != "":
		wrong(isField(p.Distinct), "distinct is %q: want source, type, key, labels.x or data.x", p.Distinct)
		wrong(p.Count >= 1 && p.Count <= hitsMax/2, "count is %d: want 1 to %d", p.Count, hitsMax/2)
	case len(p.Any) > 0:
		wrong(len(p.Any) <= maxPatternParts, "any has %d conditions: want at most %d", len(p.Any), maxPatternParts)
		wrong(p.Count >= 1 && p.Count <= len(p.Any), "count is %d: want 1 to %d, the number of conditions", p.Count, len(p.Any))
	case len(p.Sequence) > 0:
		wrong(len(p.Sequence) >= 2 && len(p.Sequence) <= maxPatternParts, "sequence has %d conditions: want 2 to %d", len(p.Sequence), maxPatternParts)
	}
	for _, expression := range p.Conditions() {
		if strings.TrimSpace(expression) == "" {
			wrong(false, "name %q has an empty condition", p.Name)
		}
	}
}

func isField(field string) bool {
	switch field {
	case "source", "type", "key":
		return true
	}
	head, rest, _ := strings.Cut(field, ".")
	return (head == "labels" || head == "data") && rest != "" && len(field) <= nameMax
}
