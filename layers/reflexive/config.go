package reflexive

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of the configuration.
const (
	maxEntries     = 10_000_000
	maxAnswerBytes = 4 << 30
	maxNameBytes   = 100
	maxEqual       = 16
	maxReasonBytes = 300 // a decision's reason has room for 400
)

// Config says how much L1 remembers and what it answers.
type Config struct {
	// DedupWindow is for how long a signal's identity is remembered, by the time at which signals were received. Default 5m.
	DedupWindow time.Duration
	// AlertWindow is for how long an alert counts as still firing, or still over, when nothing more is said of it, in event
	// time. Default 6h, longer than the four hours after which Alertmanager and Grafana repeat what fires.
	AlertWindow time.Duration
	// DedupEntries bounds how many identities, and how many alerts, are remembered; the
	// oldest is forgotten first. Default 100,000.
	DedupEntries int
	// AnswerEntries bounds how many answers of rules are remembered; the least recently used
	// is forgotten first. Default 50,000.
	AnswerEntries int
	// AnswerBytes bounds what they take, bytes. Default 16 MiB.
	AnswerBytes int
	// Inhibit are tried in order, the first that holds suppresses. Default none.
	Inhibit []Inhibit
	// Flapping says when an alert changes its state too often.
	Flapping Flapping
	// Scope says what an expression looks at, so that only those are evaluated that can hold. Where it is nil, all are.
	Scope func(expression string) layers.Scope
	// Rules are tried in order, the first whose condition holds answers. Default none.
	Rules []Rule
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{DedupWindow: 5 * time.Minute, AlertWindow: 6 * time.Hour, DedupEntries: 100_000, AnswerEntries: 50_000, AnswerBytes: 16 << 20, Flapping: DefaultFlapping()}
}

// Validate returns all problems, joined. Whether a rule's expression compiles is seen by New.
func (c *Config) Validate() error {
	var problems []error
	if c.DedupWindow < time.Millisecond || c.DedupWindow > 31*24*time.Hour {
		problems = append(problems, fmt.Errorf("reflexive: dedup window %s: want 1ms to 744h", c.DedupWindow))
	}
	if c.AlertWindow < time.Millisecond || c.AlertWindow > 31*24*time.Hour {
		problems = append(problems, fmt.Errorf("reflexive: alert window %s: want 1ms to 744h", c.AlertWindow))
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"dedup entries", c.DedupEntries}, {"answer entries", c.AnswerEntries}, {"answer bytes", c.AnswerBytes}} {
		most := maxEntries
		if f.name == "answer bytes" {
			most = maxAnswerBytes
		}
		if f.value < 1 || f.value > most {
			problems = append(problems, fmt.Errorf("reflexive: %s %d: want 1 to %d", f.name, f.value, most))
		}
	}
	return errors.Join(append(problems, c.Flapping.Validate(), c.validateRules(), c.validateInhibit())...)
}

func (c *Config) validateInhibit() error {
	var problems []error
	if len(c.Inhibit) > MaxInhibit {
		problems = append(problems, fmt.Errorf("reflexive: %d inhibitions: want at most %d", len(c.Inhibit), MaxInhibit))
	}
	first := map[string]int{}
	for i := range c.Inhibit {
		n := &c.Inhibit[i]
		if j, taken := first[n.Name]; taken && n.Name != "" {
			problems = append(problems, fmt.Errorf("reflexive: inhibit %d %q: inhibit %d has that name: want distinct names", i+1, n.Name, j+1))
		} else {
			first[n.Name] = i
		}
		if err := n.validate(); err != nil {
			problems = append(problems, fmt.Errorf("reflexive: inhibit %d %q: %w", i+1, n.Name, err))
		}
	}
	return errors.Join(problems...)
}

func (c *Config) validateRules() error {
	var problems []error
	first := map[string]int{}
	for i, r := range c.Rules {
		if j, taken := first[r.Name]; taken && r.Name != "" {
			problems = append(problems, fmt.Errorf("reflexive: rule %d %q: rule %d has that name: want distinct names", i+1, r.Name, j+1))
		} else {
			first[r.Name] = i
		}
		if err := r.validate(); err != nil {
			problems = append(problems, fmt.Errorf("reflexive: rule %d %q: %w", i+1, r.Name, err))
		}
	}
	return errors.Join(problems...)
}

func (r *Rule) validate() error {
	var problems []error
	if !isName(r.Name) {
		problems = append(problems, fmt.Errorf("name %q: want one line of 1 to %d bytes", r.Name, maxNameBytes))
	}
	for _, own := range [...]string{"builtin:", ruleSilence, ruleAck, ruleInhibit} {
		if strings.HasPrefix(r.Name, own) {
			problems = append(problems, fmt.Errorf("name %q: names that begin with %s are HAL9's own", r.Name, own))
		}
	}
	if r.Name == ruleFlapping {
		problems = append(problems, fmt.Errorf("name %q: it is HAL9's own", r.Name))
	}
	if strings.TrimSpace(r.When) == "" {
		problems = append(problems, errors.New("when is empty: want an expression"))
	}
	if r.Then.disposition() == 0 {
		problems = append(problems, fmt.Errorf("then %q: want %s, %s or %s", r.Then, ActionSuppress, ActionResolve, ActionEscalate))
	}
	if len(r.Reason) > maxReasonBytes || !isLine(r.Reason) {
		problems = append(problems, fmt.Errorf("reason %q: want one line of at most %d bytes", r.Reason, maxReasonBytes))
	}
	return errors.Join(problems...)
}

// isName says whether text can name something.
func isName(text string) bool { return text != "" && len(text) <= maxNameBytes && isLine(text) }

// isLine says whether a person can read text as one line.
func isLine(text string) bool {
	return strings.ToValidUTF8(text, "") == text && !strings.ContainsFunc(text, unicode.IsControl)
}
