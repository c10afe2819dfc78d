package reflexive

import (
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// Action is what a rule does with the signals for which its condition holds.
type Action string

// The actions of rules.
const (
	ActionSuppress Action = "suppress" // nobody needs to see it
	ActionResolve  Action = "resolve"  // the rule's reason is the answer
	ActionEscalate Action = "escalate" // no later rule may answer: hand it up
)

// disposition is 0 for an unknown action.
func (a Action) disposition() layers.Disposition {
	switch a {
	case ActionSuppress:
		return layers.DispositionSuppressed
	case ActionResolve:
		return layers.DispositionResolved
	case ActionEscalate:
		return layers.DispositionEscalated
	default:
		return 0
	}
}

// Rule answers the signals for which When holds.
type Rule struct {
	Name   string `yaml:"name"`   // unique
	When   string `yaml:"when"`   // an expression over the signal
	Then   Action `yaml:"then"`   // suppress, resolve or escalate
	Reason string `yaml:"reason"` // for people; default: made from the name
}

// rule is a Rule ready for use: with its two decisions made, evaluated and from the cache.
type rule struct {
	holds  layers.Condition[layers.Signal]
	fresh  layers.Decision
	cached layers.Decision
}

func newRule(r *Rule, holds layers.Condition[layers.Signal]) rule {
	d := layers.Decision{Disposition: r.Then.disposition(), Rule: r.Name, Reason: r.reason()}
	compiled := rule{holds: holds, fresh: d, cached: d}
	compiled.cached.Reason += " (cached answer)"
	return compiled
}

// reason is the rule's own, or one made from its name.
func (r *Rule) reason() string {
	if reason := strings.TrimSpace(r.Reason); reason != "" {
		return "rule " + r.Name + ": " + reason
	}
	return "rule " + r.Name + " says " + string(r.Then)
}
