package doctor

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/internal/journal"
)

// Process is one that answered.
type Process struct {
	Name      string          `json:"name"`
	Role      string          `json:"role,omitempty"` // what it is, where it is neither web nor runs layers
	Via       string          `json:"via"`            // "NATS", or the address
	Version   string          `json:"version"`
	Commit    string          `json:"commit"`
	StartedAt time.Time       `json:"started_at"`
	Layers    []string        `json:"layers"`
	Ready     bool            `json:"ready"`
	Failing   []string        `json:"failing,omitempty"` // checks, with what they say
	Memory    host.Memory     `json:"memory"`
	Errors    []journal.Entry `json:"errors,omitempty"` // and warnings, the newest first
	Skew      time.Duration   `json:"clock_skew_ns"`    // of its clock against this one's
	Fuzzy     time.Duration   `json:"clock_fuzz_ns"`    // by how much Skew may be wrong
}

// statusBody is what a process says of itself; older ones say less.
type statusBody struct {
	Version   string    `json:"version"`
	Commit    string    `json:"commit"`
	StartedAt time.Time `json:"started_at"`
	Ready     bool      `json:"ready"`
	Checks    []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	} `json:"checks"`
	Layers []struct {
		Layer   string `json:"layer"`
		Running bool   `json:"running"`
	} `json:"layers"`
	Process *struct {
		Name   string      `json:"name"`
		Role   string      `json:"role"`
		Now    time.Time   `json:"now"`
		Memory host.Memory `json:"memory"`
	} `json:"process"`
}

type rollBody struct {
	Status statusBody      `json:"status"`
	Errors []journal.Entry `json:"errors"`
}

// checksShown bounds the failing checks that are kept of one process.
const checksShown = 5

// newProcess reads what a process said, which arrived at a time and took so long.
func newProcess(body *rollBody, via string, arrived time.Time, took time.Duration) Process {
	s := &body.Status
	p := Process{
		Name: via, Via: via, Version: s.Version, Commit: s.Commit, StartedAt: s.StartedAt, Ready: s.Ready, Errors: body.Errors,
	}
	for _, check := range s.Checks {
		if !check.OK && len(p.Failing) < checksShown {
			p.Failing = append(p.Failing, check.Name+": "+check.Detail)
		}
	}
	for _, layer := range s.Layers {
		if layer.Running {
			p.Layers = append(p.Layers, layer.Layer)
		}
	}
	if self := s.Process; self != nil {
		p.Name, p.Role, p.Memory = self.Name, self.Role, self.Memory
		if !self.Now.IsZero() {
			p.Skew, p.Fuzzy = self.Now.Sub(arrived.Add(-took/2)), took/2
		}
	}
	return p
}

// rolled reads what processes answered over NATS.
func rolled(answers []bus.RollAnswer, called time.Time) (list []Process, broken int) {
	for _, answer := range answers {
		var body rollBody
		if err := json.Unmarshal(answer.Data, &body); err != nil || body.Status.Process == nil {
			broken++
			continue
		}
		list = append(list, newProcess(&body, "NATS", called.Add(answer.Took), answer.Took))
	}
	return list, broken
}

// add takes a process in unless it is known by another way.
func (f *Facts) add(p *Process) {
	if !slices.ContainsFunc(f.Processes, func(known Process) bool { return known.Name == p.Name }) {
		f.Processes = append(f.Processes, *p)
	}
}

// title names a process for people.
func (p *Process) title() string {
	what := cmp.Or(p.Role, "web") + " "
	switch {
	case len(p.Layers) == 5:
		what = "all layers "
	case len(p.Layers) > 0:
		what = strings.Join(p.Layers, ",") + " "
	}
	return what + p.Name
}
