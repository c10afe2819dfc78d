// Package lint finds in ScaledObjects, HAL9's or anybody's, what KEDA refuses, and what KEDA takes and then does not do as
// meant: traps that show only when the load comes or the broker goes. It reads files and asks nobody but, where it is
// given, NATS. Whatever bytes it gets, it answers with findings and does not fail.
package lint

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"go.yaml.in/yaml/v3"
)

// Severity says what a finding means. Its zero value is invalid.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // KEDA refuses it, or it cannot work
	SeverityWarning Severity = "warning" // it works until it matters
	SeverityNote    Severity = "note"    // it does less than it seems to
)

// Finding is one trap.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"` // from 1
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`
	Object   string   `json:"object,omitempty"` // kind/name
	What     string   `json:"what"`
	Why      string   `json:"why"`
	Do       string   `json:"do"`
}

// String returns the finding in one line, without its reason.
func (f *Finding) String() string {
	object := ""
	if f.Object != "" {
		object = f.Object + ": "
	}
	return fmt.Sprintf("%s:%d: %s: %s%s [%s]", f.File, f.Line, f.Severity, object, f.What, f.Rule)
}

// Source is the text of one file.
type Source struct {
	Name string
	Data []byte
}

// Lint returns the findings in files, in their order. What is known of NATS comes from facts.
func Lint(ctx context.Context, files []Source, facts Facts) []Finding {
	var all []Finding
	var set []*subject
	for _, file := range files {
		subjects, findings := read(file)
		all, set = append(all, findings...), append(set, subjects...)
	}
	for _, s := range set {
		if s.scaled == nil {
			continue
		}
		c := &check{ctx: ctx, facts: facts, subject: s, so: s.scaled}
		for _, rule := range rules() {
			c.rule = rule.name
			rule.look(c)
		}
		all = append(all, c.findings...)
	}
	all = append(all, together(set)...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	})
	return slices.CompactFunc(all, func(a, b Finding) bool { return a == b })
}

// subject is one object of a file.
type subject struct {
	file      string
	node      *yaml.Node // its mapping
	kind      string
	name      string
	namespace string
	target    string             // kind/name of what it scales, or of itself where others scale it
	scaled    *keda.ScaledObject // nil for other kinds
}

// check looks at one ScaledObject.
type check struct {
	ctx      context.Context //nolint:containedctx // a check lives for one call of Lint.
	facts    Facts
	subject  *subject
	so       *keda.ScaledObject
	rule     string
	findings []Finding
}

// advice says why something is a trap and what to do about it.
type advice struct{ why, do string }

// report adds a finding about the field at path, or the nearest one that is there.
func (c *check) report(severity Severity, path string, a advice, format string, args ...any) {
	c.findings = append(c.findings, c.subject.finding(severity, c.rule, path, a, fmt.Sprintf(format, args...)))
}

func (s *subject) finding(severity Severity, rule, path string, a advice, what string) Finding {
	return Finding{
		File: s.file, Line: lineOf(s.node, path), Severity: severity, Rule: rule, Object: s.kind + "/" + s.name, What: what, Why: a.why, Do: a.do,
	}
}

// rule is one kind of trap.
type rule struct {
	name string
	look func(*check)
}

// rules lists them all.
func rules() []rule {
	return slices.Concat(boundRules(), fallbackRules(), paceRules(), triggerRules(), jetStreamRules(), prometheusRules(), modifierRules(), layerRules())
}

// Rules names the kinds of traps, but for those of reading.
func Rules() []string {
	names := []string{"duplicate-target", "twice", "fixed-replicas"}
	for _, r := range rules() {
		names = append(names, r.name)
	}
	return names
}
