package reflexive

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// maxChanges is how many changes of a condition are remembered.
const maxChanges = 32

// Flapping says when a condition changes its state too often, with hysteresis as in Nagios: an alert begins to fire,
// is over, or changes its severity.
type Flapping struct {
	Changes int           `yaml:"changes"` // within the window, for it to count as flapping; 3 to 32, default 6
	Calm    int           `yaml:"calm"`    // or fewer within the window, for it to be calm again; below changes, default 2
	Window  time.Duration `yaml:"window"`  // 1s to 24h, default 30m
}

// DefaultFlapping returns the defaults.
func DefaultFlapping() Flapping { return Flapping{Changes: 6, Calm: 2, Window: 30 * time.Minute} }

// Validate returns all problems, joined.
func (f *Flapping) Validate() error {
	var problems []error
	if f.Changes < 3 || f.Changes > maxChanges {
		problems = append(problems, fmt.Errorf("reflexive: flapping changes %d: want 3 to %d", f.Changes, maxChanges))
	}
	if f.Calm < 0 || f.Calm >= f.Changes {
		problems = append(problems, fmt.Errorf("reflexive: flapping calm %d: want 0 or more, and less than changes", f.Calm))
	}
	if f.Window < time.Second || f.Window > 24*time.Hour {
		problems = append(problems, fmt.Errorf("reflexive: flapping window %s: want 1s to 24h", f.Window))
	}
	return errors.Join(problems...)
}

// flap is a time of too many changes.
type flap struct {
	Since    int64           `json:"since"`  // 0 where the condition is calm
	Origin   uint64          `json:"origin"` // of the signal that said so, 0 where none has yet
	Severity layers.Severity `json:"severity,omitempty"`
}

// look ends the time of too many changes once it is calm again.
func (f *flap) look(changes []int64, at int64, cfg *Flapping) {
	if f.Since != 0 && len(recentChanges(changes, at, cfg)) <= cfg.Calm {
		*f = flap{}
	}
}

// recentChanges returns the changes within the window before at.
func recentChanges(changes []int64, at int64, cfg *Flapping) []int64 {
	begin := at - cfg.Window.Microseconds()
	return changes[sort.Search(len(changes), func(i int) bool { return changes[i] > begin }):]
}

// flapping suppresses an alert whose condition changes too often; one signal, and every more severe one, climbs
// and says so.
func (l *Layer) flapping(v *view, e *layers.Envelope) (d layers.Decision, ok bool) {
	f := &v.is.Flap
	if f.Since == 0 || f.Origin == 0 || f.Origin == e.Origin || v.is.Firing && e.Severity > f.Severity {
		return d, false
	}
	return layers.Decision{
		Disposition: layers.DispositionSuppressed, Rule: ruleFlapping,
		Reason: fmt.Sprintf("the %s is flapping since %s: %d changes within %s; suppressed until at most %d",
			describe(e), clock(f.Since), len(recentChanges(v.is.Changes, v.is.when(), &l.flaps)), l.flaps.Window, l.flaps.Calm),
	}, true
}

// sayFlapping has a signal that climbs because its alert begins to flap say so: it opens or joins a situation.
func sayFlapping(d *layers.Decision, e *layers.Envelope) {
	if d.Rule == ruleFlapping && d.Disposition == layers.DispositionEscalated {
		e.Findings.Classes = append(e.Findings.Classes, layers.Class{Label: ruleFlapping, Strength: 1, Flags: true})
	}
}
