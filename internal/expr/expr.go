// Package expr compiles the expressions of the configuration, written in the Common
// Expression Language (CEL), into conditions over signals, situations and verdicts.
//
// An expression is compiled and type-checked once and must be a bool. The condition is
// safe for concurrent use, never panics, and does not hold where what it looks at is absent
// or of another type. It sees no clock, no identity and no map order, so the same input
// always gets the same answer, which may therefore be cached. What one evaluation may cost
// is bounded: by the length of the expression where all it does is linear in its input, and
// by a cost limit otherwise.
package expr

import "github.com/2lab-ai/hal9/layers"

// Signal compiles a condition over a signal. It knows source, type, key and text (string),
// severity (int, compared with debug, info, warning, error and critical), value (double,
// absent where has_value is false), has_value (bool), labels (map of strings) and data (the
// payload as parsed JSON, whose numbers are doubles). The error is a *CompileError.
func Signal(expression string) (layers.Condition[layers.Signal], error) {
	return compile(expression, signalVariables(), newSignalInput)
}

// Situation compiles a condition over a situation. It knows severity and members (int), key
// and title (string), anomaly (double), entities (list of names, most likely cause first), event ("opened",
// "updated", "closed"), revision (int) and duration_s (double).
// The error is a *CompileError.
func Situation(expression string) (layers.Condition[layers.Situation], error) {
	return compile(expression, situationVariables(), newSituationInput)
}

// Verdict compiles a condition over a verdict. It knows source, key, layer ("L1".."L5"),
// disposition, reason, rule, template_id, situation_id and type (string), anomaly (double), severity (int) and
// latency_ms (double: from its receipt to the verdict). The error is a *CompileError.
func Verdict(expression string) (layers.Condition[layers.Verdict], error) {
	return compile(expression, verdictVariables(), newVerdictInput)
}
