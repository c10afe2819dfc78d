package tactical

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/2lab-ai/hal9/layers"
)

// maxPlaybookName bounds a name in bytes: it stands in reasons.
const maxPlaybookName = 100

// Playbook is what people decided beforehand to do about a kind of situation.
type Playbook struct {
	Name  string   `yaml:"name"`  // unique
	When  string   `yaml:"when"`  // expression over the situation; the playbook applies where it holds
	Title string   `yaml:"title"` // title of the plan; the name where empty
	Steps []string `yaml:"steps"` // what to do, in order; at least one
	// Actions are what HAL9 does itself, in order, once a quorum agreed; none by default.
	Actions []Action `yaml:"actions"`
}

// validate reports what is wrong with the playbook at position i of the configuration.
func (p Playbook) validate(i int) error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("tactical: "+format, args...))
	}
	if strings.TrimSpace(p.Name) == "" || len(p.Name) > maxPlaybookName || strings.ContainsFunc(p.Name, unicode.IsControl) {
		wrong("playbooks[%d].name is %q: want one line of 1 to %d bytes", i, p.Name, maxPlaybookName)
	}
	if strings.TrimSpace(p.When) == "" {
		wrong("playbooks[%d].when is empty: want a condition over the situation, such as %q (%q for always)",
			i, `key.startsWith("db")`, "true")
	}
	if len(p.Steps) == 0 {
		wrong("playbooks[%d].steps is empty: want at least one step", i)
	}
	for j, step := range p.Steps {
		if strings.TrimSpace(step) == "" {
			wrong("playbooks[%d].steps[%d] is empty: want what to do", i, j)
		}
	}
	if len(p.Actions) > maxActions {
		wrong("playbooks[%d].actions are %d: want at most %d", i, len(p.Actions), maxActions)
	}
	for j, action := range p.Actions {
		if err := action.validate(); err != nil {
			wrong("playbooks[%d].actions[%d]: %w", i, j, err)
		}
	}
	return errors.Join(problems...)
}

// title returns what a plan of the playbook is called.
func (p *Playbook) title() string {
	if p.Title == "" {
		return p.Name
	}
	return p.Title
}

// compiled is a playbook whose condition can be asked.
type compiled struct {
	Playbook
	holds layers.Condition[layers.Situation]
}

// compilePlaybooks compiles all conditions and reports every one that is wrong.
func compilePlaybooks(playbooks []Playbook, compile layers.Compiler[layers.Situation]) ([]compiled, error) {
	var problems []error
	all := make([]compiled, 0, len(playbooks))
	for i, p := range playbooks {
		holds, err := compile(p.When)
		if err != nil {
			problems = append(problems, fmt.Errorf("tactical: playbooks[%d].when of %q: %w", i, p.Name, err))
			continue
		}
		all = append(all, compiled{Playbook: p, holds: holds})
	}
	return all, errors.Join(problems...)
}

// applicable returns the playbooks whose condition holds for s, in order of priority.
func applicable(playbooks []compiled, s *layers.Situation) []*Playbook {
	var found []*Playbook
	for i := range playbooks {
		if playbooks[i].holds(s) {
			found = append(found, &playbooks[i].Playbook)
		}
	}
	return found
}
