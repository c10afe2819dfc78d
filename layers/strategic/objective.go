package strategic

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of an objective's window, and of its name in bytes (it stands in reasons).
const (
	minWindow        = time.Hour
	maxWindow        = 366 * 24 * time.Hour
	maxObjectiveName = 80
)

// Objective is a service level objective in the terms of OpenSLO: a ratio of good to total
// events (here: verdicts), a target for it, and a rolling window.
type Objective struct {
	Name        string        `yaml:"name"` // unique
	Description string        `yaml:"description"`
	Target      float64       `yaml:"target"` // share of good in total, more than 0 and less than 1
	Window      time.Duration `yaml:"window"` // rolling, 1 h to 366 d
	Total       string        `yaml:"total"`  // expression over a verdict: does it count?
	Good        string        `yaml:"good"`   // expression over a verdict that counts: is it good?
}

// builtIn returns the objective that is tracked where none is configured.
func builtIn() []Objective {
	return []Objective{{
		Name:        "hal9-decided",
		Description: "signals that got a decision; a dead letter is a failure to give one",
		Target:      0.999,
		Window:      720 * time.Hour,
		Total:       "true",
		Good:        `disposition != "dead"`,
	}}
}

// validateObjectives reports everything that is wrong with objectives.
func validateObjectives(objectives []Objective) error {
	var problems []error
	first := make(map[string]int, len(objectives))
	for i, o := range objectives {
		if err := o.validate(i); err != nil {
			problems = append(problems, err)
		}
		if before, taken := first[o.Name]; taken && o.Name != "" {
			problems = append(problems, fmt.Errorf(
				"strategic: objectives[%d].name is %q, the name of objectives[%d]: want a name of its own", i, o.Name, before))
			continue
		}
		first[o.Name] = i
	}
	return errors.Join(problems...)
}

// validate reports what is wrong with the objective at position i of the configuration.
func (o Objective) validate(i int) error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("strategic: "+format, args...))
	}
	if strings.TrimSpace(o.Name) == "" || len(o.Name) > maxObjectiveName || strings.ContainsFunc(o.Name, unicode.IsControl) {
		wrong("objectives[%d].name is %q: want one line of 1 to %d bytes", i, o.Name, maxObjectiveName)
	}
	if !(o.Target > 0 && o.Target < 1) {
		wrong("objectives[%d].target is %v: want more than 0 and less than 1, such as 0.999", i, o.Target)
	}
	if o.Window < minWindow || o.Window > maxWindow {
		wrong("objectives[%d].window is %s: want 1h to 8784h (366 days)", i, o.Window)
	}
	if strings.TrimSpace(o.Total) == "" {
		wrong("objectives[%d].total is empty: want a condition over the verdict (%q for every one)", i, "true")
	}
	if strings.TrimSpace(o.Good) == "" {
		wrong("objectives[%d].good is empty: want a condition over the verdict, such as %q", i, `disposition != "dead"`)
	}
	return errors.Join(problems...)
}

// measure is an objective whose expressions can be asked.
type measure struct {
	Objective
	total, good layers.Condition[layers.Verdict]
}

// compileObjectives compiles all expressions and reports every one that is wrong.
func compileObjectives(objectives []Objective, compile layers.Compiler[layers.Verdict]) ([]measure, error) {
	var problems []error
	all := make([]measure, 0, len(objectives))
	for i, o := range objectives {
		total, err := compile(o.Total)
		if err != nil {
			problems = append(problems, fmt.Errorf("strategic: objectives[%d].total of %q: %w", i, o.Name, err))
		}
		good, err := compile(o.Good)
		if err != nil {
			problems = append(problems, fmt.Errorf("strategic: objectives[%d].good of %q: %w", i, o.Name, err))
		}
		all = append(all, measure{Objective: o, total: total, good: good})
	}
	return all, errors.Join(problems...)
}
