package lint

import (
	"regexp"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

const pathModifiers = "spec.advanced.scalingModifiers"

func modifierRules() []rule {
	return []rule{{"modifiers-unnamed", lookUnnamed}, {"modifiers-formula", lookFormula}, {"modifiers-unused", lookUnused}}
}

func lookUnnamed(c *check) {
	if !c.so.IsUsingModifiers() {
		return
	}
	c.each(func(t *keda.ScaleTriggers, path string) {
		if t.Name == "" && !isResource(t) {
			c.report(SeverityError, path, advice{
				"A formula replaces all external metrics by one, and knows triggers by their names: this one is asked on each poll and thrown away.",
				"Write name: … and use it in the formula, or take the trigger out.",
			}, "%s trigger without a name beside a formula", t.Type)
		}
	})
}

func lookFormula(c *check) {
	modifiers := c.so.Spec.Advanced
	switch {
	case c.so.FallbackScalingModifiers() && (modifiers == nil || modifiers.ScalingModifiers.Formula == ""):
		c.report(SeverityError, "spec.fallback.behavior", advice{"KEDA's webhook refuses it.", "Write a formula with ?? for triggers that fail, or another behavior."},
			"fallback behavior scalingModifiers without a formula")
		return
	case !c.so.IsUsingModifiers():
		return
	}
	// KEDA changes the formula that it is given.
	if _, err := keda.ValidateAndCompileScalingModifiers(c.so.DeepCopy()); err != nil {
		c.report(SeverityError, pathModifiers, advice{
			"KEDA's webhook refuses it.", "Use the names of triggers, as they stand, letters, digits and _ alone; see https://expr-lang.org for what a formula may say.",
		}, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
}

// word matches names in a formula.
var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

func lookUnused(c *check) {
	if !c.so.IsUsingModifiers() || c.so.Spec.Advanced.ScalingModifiers.Formula == "" {
		return
	}
	used := make(map[string]bool)
	for _, name := range word.FindAllString(c.so.Spec.Advanced.ScalingModifiers.Formula, -1) {
		used[name] = true
	}
	c.each(func(t *keda.ScaleTriggers, path string) {
		if t.Name != "" && !used[t.Name] && !isResource(t) {
			c.report(SeverityWarning, path+".name", advice{
				"A formula replaces all external metrics by one: what it does not name is asked for and does not count.",
				"Use it in the formula, or take the trigger out.",
			}, "trigger %s is not in the formula", t.Name)
		}
	})
}
