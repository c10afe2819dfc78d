package strategic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Bounds of an objective's window, and of its name in bytes (it stands in reasons).
const (
	minWindow        = time.Hour
	maxWindow        = 366 * 24 * time.Hour
	maxObjectiveName = 80
)

// MaxObjectives bounds how many objectives are tracked beside the built-in ones.
const MaxObjectives = 50

// What an objective counts.
const (
	FromVerdicts   = "verdicts"
	FromSignals    = "signals"
	FromSituations = "situations" // as announced: opened, updated, closed
)

// Objective is a service level objective in the terms of OpenSLO: a ratio of good to total
// events, a target for it, and a rolling window.
type Objective struct {
	Name        string        `yaml:"name"` // unique; that of a built-in one replaces it
	Description string        `yaml:"description"`
	From        string        `yaml:"from"`    // verdicts, signals or situations; default verdicts
	Target      float64       `yaml:"target"`  // share of good in total, more than 0 and less than 1
	Window      time.Duration `yaml:"window"`  // rolling, 1 h to 366 d
	Total       string        `yaml:"total"`   // expression over what is counted: does it count?
	Good        string        `yaml:"good"`    // expression over what counts: is it good?
	Time        string        `yaml:"time"`    // event, or decided: when HAL9 decided, for goals of HAL9's own; default event
	MinBad      int           `yaml:"min_bad"` // an alert fires with so many bad events in its long window, 1 to 1,000,000; default 5
}

// Under which time an event counts.
const (
	TimeEvent   = "event"
	TimeDecided = "decided"
)

// defaultMinBad keeps the single failures of a quiet hour from paging anybody.
const (
	defaultMinBad = 5
	ownMinBad     = 100 // of HAL9's own objectives
)

// from returns what the objective counts.
func (o *Objective) from() string {
	if o.From == "" {
		return FromVerdicts
	}
	return o.From
}

func (o *Objective) minBad() uint64 {
	if o.MinBad == 0 {
		return defaultMinBad
	}
	return uint64(o.MinBad)
}

// byDecision reports whether an event counts when HAL9 decided, and not when it happened.
func (o *Objective) byDecision() bool { return o.Time == TimeDecided }

// BuiltIn returns the objectives that HAL9 has of itself. They are tracked beside those of the configuration, unless
// one of these has the name.
func BuiltIn() []Objective {
	return []Objective{
		{
			Name:        "hal9-decided",
			Description: "signals that got a decision; a dead letter is a failure to give one",
			Target:      0.999,
			Window:      720 * time.Hour,
			Time:        TimeDecided,
			Total:       "true",
			Good:        `disposition != "dead"`,
			MinBad:      ownMinBad,
		},
		{
			Name:        "hal9-latency",
			Description: "signals that got their verdict within a second of their receipt",
			Target:      0.999,
			Window:      720 * time.Hour,
			Time:        TimeDecided,
			Total:       "true",
			Good:        `latency_ms <= 1000.0`,
			MinBad:      ownMinBad,
		},
	}
}

// All returns the objectives that are tracked: the configured ones, then the built-in ones that none of them replaces.
func (c Config) All() []Objective {
	all := slices.Clone(c.Objectives)
	for _, own := range BuiltIn() {
		if !slices.ContainsFunc(c.Objectives, func(o Objective) bool { return o.Name == own.Name }) {
			all = append(all, own)
		}
	}
	return all
}

// validateObjectives reports everything that is wrong with objectives.
func validateObjectives(objectives []Objective) error {
	var problems []error
	if n := len(objectives); n > MaxObjectives {
		problems = append(problems, fmt.Errorf("strategic: %d objectives: want at most %d", n, MaxObjectives))
	}
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
func (o *Objective) validate(i int) error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("strategic: "+format, args...))
	}
	if strings.TrimSpace(o.Name) == "" || len(o.Name) > maxObjectiveName || strings.ContainsFunc(o.Name, unicode.IsControl) {
		wrong("objectives[%d].name is %q: want one line of 1 to %d bytes", i, o.Name, maxObjectiveName)
	}
	if from := o.from(); from != FromVerdicts && from != FromSignals && from != FromSituations {
		wrong("objectives[%d].from is %q: want verdicts, signals or situations", i, from)
	}
	if o.Time != "" && o.Time != TimeEvent && o.Time != TimeDecided {
		wrong("objectives[%d].time is %q: want event or decided", i, o.Time)
	}
	if !(o.Target > 0 && o.Target < 1) {
		wrong("objectives[%d].target is %v: want more than 0 and less than 1, such as 0.999", i, o.Target)
	}
	if o.Window < minWindow || o.Window > maxWindow {
		wrong("objectives[%d].window is %s: want 1h to 8784h (366 days)", i, o.Window)
	}
	if o.MinBad < 0 || o.MinBad > 1_000_000 {
		wrong("objectives[%d].min_bad is %d: want 1 to 1000000 bad events", i, o.MinBad)
	}
	if strings.TrimSpace(o.Total) == "" {
		wrong("objectives[%d].total is empty: want a condition over the verdict (%q for every one)", i, "true")
	}
	if strings.TrimSpace(o.Good) == "" {
		wrong("objectives[%d].good is empty: want a condition over the verdict, such as %q", i, `disposition != "dead"`)
	}
	return errors.Join(problems...)
}
