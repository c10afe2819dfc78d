package reflexive

import (
	"errors"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// policy is what L1 answers by: rules, silences and inhibitions, compiled once. It does not change: another one
// takes its place, under a version that no other has had in this process.
type policy struct {
	version  uint64
	reads    layers.Reads // what its expressions look at
	rules    []rule
	byRule   *index
	silences []silence // those that last longest first
	bySil    *index
	inhibits []inhibit
}

// isEmpty reports whether there is nothing to look up.
func (p *policy) isEmpty() bool { return len(p.rules)+len(p.silences)+len(p.inhibits) == 0 }

// answer is what a policy says to a content: it is the same for every signal of that content.
type answer struct {
	rule, silence    int32  // -1 where none holds
	sources, targets uint64 // bit i is inhibition i
	cached           bool   // it was remembered
}

// answer evaluates.
func (p *policy) answer(s *layers.Signal) (a answer) {
	a.rule = p.byRule.first(s, func(i int32) bool { return p.rules[i].holds(s) })
	a.silence = p.bySil.first(s, func(i int32) bool {
		return s.Severity <= p.silences[i].MaxSeverity && p.silences[i].holds(s)
	})
	for i := range p.inhibits {
		if p.inhibits[i].source(s) {
			a.sources |= 1 << i
		}
		if p.inhibits[i].target(s) {
			a.targets |= 1 << i
		}
	}
	return a
}

// compiler compiles expressions and says what they look at.
type compiler struct {
	compile layers.Compiler[layers.Signal]
	scope   func(expression string) layers.Scope // nil where nothing can be said
}

func (c *compiler) condition(expression string) (layers.Condition[layers.Signal], layers.Scope, error) {
	scope := layers.Scope{Reads: layers.ReadsAll}
	if c.compile == nil {
		return nil, scope, errors.New("there is no compiler for it")
	}
	holds, err := c.compile(expression)
	if err == nil && c.scope != nil {
		scope = c.scope(expression)
	}
	return holds, scope, err
}

// newPolicy compiles rules and inhibitions.
func newPolicy(cfg *Config, c *compiler) (*policy, error) {
	p := &policy{version: 1, rules: make([]rule, len(cfg.Rules)), inhibits: make([]inhibit, len(cfg.Inhibit)), bySil: newIndex(nil)}
	var problems []error
	scopes := make([]layers.Scope, len(cfg.Rules))
	for i := range cfg.Rules {
		r := &cfg.Rules[i]
		holds, scope, err := c.condition(r.When)
		if err != nil {
			problems = append(problems, fmt.Errorf("reflexive: rule %d %q: when: %w", i+1, r.Name, err))
		}
		p.rules[i], scopes[i] = newRule(r, holds), scope
		p.reads |= scope.Reads
	}
	p.byRule = newIndex(scopes)
	for i := range cfg.Inhibit {
		var err error
		if p.inhibits[i], err = newInhibit(&cfg.Inhibit[i], c); err != nil {
			problems = append(problems, fmt.Errorf("reflexive: inhibit %d %q: %w", i+1, cfg.Inhibit[i].Name, err))
		}
		p.reads |= p.inhibits[i].reads
	}
	return p, errors.Join(problems...)
}

// withSilences returns the policy with other silences, the longest first, under the next version.
func (p *policy) withSilences(silences []silence) *policy {
	next := *p
	next.version++
	next.silences = silences
	scopes := make([]layers.Scope, len(silences))
	for i := range silences {
		scopes[i] = silences[i].scope
		next.reads |= silences[i].scope.Reads // It may keep those of silences that are over: keys only get longer.
	}
	next.bySil = newIndex(scopes)
	return &next
}
