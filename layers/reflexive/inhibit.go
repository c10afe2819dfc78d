package reflexive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// MaxInhibit bounds how many inhibitions there are.
const MaxInhibit = 64

// Inhibit suppresses signals while an alert fires that explains them: the shape is Alertmanager's.
type Inhibit struct {
	Name   string   `yaml:"name"`   // unique
	Source string   `yaml:"source"` // an expression over the alert that explains
	Target string   `yaml:"target"` // an expression over the signals that it explains
	Equal  []string `yaml:"equal"`  // labels that both have in common; key, source and type count, too
}

func (n *Inhibit) validate() error {
	var problems []error
	if !isName(n.Name) {
		problems = append(problems, fmt.Errorf("name %q: want one line of 1 to %d bytes", n.Name, maxNameBytes))
	}
	if strings.TrimSpace(n.Source) == "" {
		problems = append(problems, errors.New("source is empty: want an expression"))
	}
	if strings.TrimSpace(n.Target) == "" {
		problems = append(problems, errors.New("target is empty: want an expression"))
	}
	if len(n.Equal) > maxEqual || slices.ContainsFunc(n.Equal, func(name string) bool { return !isName(name) }) {
		problems = append(problems, fmt.Errorf("equal: want at most %d names of labels", maxEqual))
	}
	return errors.Join(problems...)
}

// inhibit is an Inhibit ready for use.
type inhibit struct {
	name           string
	equal          []string
	source, target layers.Condition[layers.Signal]
	reads          layers.Reads
}

func newInhibit(n *Inhibit, c *compiler) (inhibit, error) {
	source, in, err := c.condition(n.Source)
	if err != nil {
		return inhibit{}, fmt.Errorf("source: %w", err)
	}
	target, out, err := c.condition(n.Target)
	if err != nil {
		return inhibit{}, fmt.Errorf("target: %w", err)
	}
	return inhibit{name: n.Name, equal: n.Equal, source: source, target: target, reads: in.Reads | out.Reads}, nil
}

// holdSource is for how long an alert that was not seen again counts as firing for those that it inhibits: longer
// than Alertmanager's usual pause between notifications.
const holdSource = 6 * time.Hour

// groups returns which groups an alert is the source of.
func (l *Layer) groups(p *policy, a answer, s *layers.Signal) (list []digest) {
	for i := range p.inhibits {
		if a.sources&(1<<i) != 0 {
			list = append(list, l.hash.group(p.inhibits[i].name, p.inhibits[i].equal, s))
		}
	}
	return list
}

// inhibited says which alert explains e. One that is a source itself is not explained by its own kind.
func (l *Layer) inhibited(p *policy, a answer, e *layers.Envelope) (d layers.Decision, ok bool) {
	if a.targets == 0 {
		return d, false
	}
	for i := range p.inhibits {
		n := &p.inhibits[i]
		if a.targets&(1<<i) == 0 || a.sources&(1<<i) != 0 {
			continue
		}
		by, ok := l.board.explains(l.hash.group(n.name, n.equal, &e.Signal), e)
		if !ok {
			continue
		}
		return layers.Decision{
			Disposition: layers.DispositionSuppressed, Rule: ruleInhibit + n.name,
			Reason: "inhibited by " + n.name + ": " + by + " fires",
		}, true
	}
	return d, false
}
