package tactical

import (
	"errors"
	"fmt"
)

// Config says what the layer plans with and how much it remembers.
type Config struct {
	// Playbooks in order of priority; none by default.
	Playbooks []Playbook
	// MaxMemory is how many situations are remembered, 1 to 1,000,000; the one planned longest
	// ago is forgotten first. Default 10,000.
	MaxMemory int
	// MaxRecalled is how many similar situations a plan rests on, 1 to 20. Default 3.
	MaxRecalled int
	// MinSimilarity is what an earlier situation needs to be recalled at all, 0.05 to 1. The
	// lower, the more of the memory is searched. Default 0.5.
	MinSimilarity float64
	// KnownSimilarity is what makes a recalled situation the same kind, from MinSimilarity to 1.
	// Default 0.8: the same problem on a sibling ("db-2" for "db-1") is the same kind, the same
	// words about another kind of entity are not.
	KnownSimilarity float64
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{MaxMemory: 10_000, MaxRecalled: 3, MinSimilarity: 0.5, KnownSimilarity: 0.8}
}

// Validate reports everything that is wrong with c; the conditions of playbooks are compiled
// by New.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("tactical: "+format, args...))
	}
	if c.MaxMemory < 1 || c.MaxMemory > 1_000_000 {
		wrong("max_memory is %d: want 1 to 1000000 situations", c.MaxMemory)
	}
	if c.MaxRecalled < 1 || c.MaxRecalled > 20 {
		wrong("max_recalled is %d: want 1 to 20 situations", c.MaxRecalled)
	}
	if !(c.MinSimilarity >= 0.05 && c.MinSimilarity <= 1) {
		wrong("min_similarity is %v: want 0.05 to 1", c.MinSimilarity)
	}
	if !(c.KnownSimilarity >= c.MinSimilarity && c.KnownSimilarity <= 1) {
		wrong("known_similarity is %v: want min_similarity (%v) to 1", c.KnownSimilarity, c.MinSimilarity)
	}
	first := make(map[string]int, len(c.Playbooks))
	for i, p := range c.Playbooks {
		if err := p.validate(i); err != nil {
			problems = append(problems, err)
		}
		if before, taken := first[p.Name]; taken && p.Name != "" {
			wrong("playbooks[%d].name is %q, the name of playbooks[%d]: want a name of its own", i, p.Name, before)
			continue
		}
		first[p.Name] = i
	}
	return errors.Join(problems...)
}
