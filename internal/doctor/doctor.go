// Package doctor says whether HAL9 is well, and where it is not: what is wrong, how it knows, what to run and whom to
// call. Facts are collected first (from NATS, the processes, this machine and Kubernetes, as far as each can be
// reached); findings follow from facts alone.
//
// It promises to change nothing, to come back within bounds whatever is broken, and to say what it could not look at.
package doctor

import (
	"cmp"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/internal/escalation"
)

// Severity says how bad a finding is.
type Severity string

// Severities. Notes are what is good to know; they are no trouble.
const (
	SeverityCritical Severity = "critical"
	SeverityWarning  Severity = "warning"
	SeverityNote     Severity = "note"
)

func (s Severity) rank() int {
	return slices.Index([]Severity{SeverityCritical, SeverityWarning, SeverityNote}, s)
}

// Finding is one thing that is wrong.
type Finding struct {
	ID       string    `json:"id"` // of the kind, stable, such as "stalled"
	Severity Severity  `json:"severity"`
	What     string    `json:"what"`               // one line
	Evidence []string  `json:"evidence"`           // how it is known, with numbers
	Commands []Command `json:"commands,omitempty"` // what helps, the first one first
}

// Command is something to run.
type Command struct {
	Run     string `json:"run"`
	Why     string `json:"why,omitempty"`
	Changes bool   `json:"changes"`          // it does something, and does not only look
	Advice  bool   `json:"advice,omitempty"` // it is for people: something is to be filled in, or it goes on until it is stopped
}

// State is what all findings come to.
type State string

// States.
const (
	StateHealthy State = "healthy"
	StateTrouble State = "trouble"
	StateUnknown State = "unknown" // nothing could be looked at
)

// Report is what the doctor says.
type Report struct {
	At         time.Time         `json:"at"`
	State      State             `json:"state"`
	Verdict    string            `json:"verdict"` // one line
	Findings   []Finding         `json:"findings"`
	Layers     []LayerLine       `json:"layers"`
	Looked     []Look            `json:"looked"`
	Escalation []escalation.Step `json:"escalation,omitempty"`
	Place      string            `json:"place"` // what was looked at, in a few words
	Again      string            `json:"again"` // the command that looks again
}

// LayerLine is how a layer stands.
type LayerLine struct {
	Layer     string        `json:"layer"`
	Title     string        `json:"title"`
	Known     bool          `json:"known"` // whether the queue could be measured
	Waiting   uint64        `json:"waiting"`
	Working   uint64        `json:"working"`
	Oldest    time.Duration `json:"oldest_ns"`
	Trend     float64       `json:"trend"`          // signals more in the queue each second
	Processes int           `json:"processes"`      // that are alive; -1 unknown
	Pods      string        `json:"pods,omitempty"` // ready of wanted, where there is Kubernetes
}

// Count returns how many findings have a severity.
func (r *Report) Count(severity Severity) (n int) {
	for i := range r.Findings {
		if r.Findings[i].Severity == severity {
			n++
		}
	}
	return n
}

// found reports whether there is a finding of a kind.
func (r *Report) found(id string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.ID == id })
}

// sawNATS reports whether NATS could be looked at.
func (r *Report) sawNATS() bool {
	return slices.ContainsFunc(r.Looked, func(l Look) bool { return l.What == "NATS" && l.OK })
}

// ExitCode is 0 for healthy, 1 for findings and 2 where nothing could be looked at.
func (r *Report) ExitCode() int {
	switch r.State {
	case StateHealthy:
		return 0
	case StateUnknown:
		return 2
	default:
		return 1
	}
}

// NewReport draws the conclusions.
func NewReport(f *Facts, steps []escalation.Step) *Report {
	r := &Report{At: f.At, Findings: diagnose(f), Layers: layerLines(f), Looked: f.Looked, Escalation: steps, Place: place(f), Again: f.again()}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) })
	r.State = StateHealthy
	if r.Count(SeverityCritical)+r.Count(SeverityWarning) > 0 {
		r.State = StateTrouble
	}
	if !f.seen() {
		r.State = StateUnknown
	}
	r.Verdict = verdict(r)
	return r
}

func verdict(r *Report) string {
	critical, warnings := r.Count(SeverityCritical), r.Count(SeverityWarning)
	switch {
	case r.State == StateUnknown:
		return "COULD NOT LOOK: nothing of HAL9 can be reached"
	case critical > 0 && warnings > 0:
		return "TROUBLE: " + plural(critical, "critical finding") + ", " + plural(warnings, "warning")
	case critical > 0:
		return "TROUBLE: " + plural(critical, "critical finding")
	case warnings > 0:
		return "NOT WELL: " + plural(warnings, "warning")
	default:
		return "HEALTHY"
	}
}
