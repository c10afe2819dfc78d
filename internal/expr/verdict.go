package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/2lab-ai/hal9/layers"
)

func verdictVariables() []variable {
	return []variable{
		{"source", cel.StringType},
		{"type", cel.StringType},
		{"key", cel.StringType},
		{"layer", cel.StringType},
		{"disposition", cel.StringType},
		{"reason", cel.StringType},
		{"rule", cel.StringType},
		{"template_id", cel.StringType},
		{"situation_id", cel.StringType},
		{"anomaly", cel.DoubleType},
		{"severity", cel.IntType},
		{"latency_ms", cel.DoubleType},
	}
}

// verdictInput hands a verdict's fields to an expression.
type verdictInput struct{ verdict *layers.Verdict }

func newVerdictInput() input[layers.Verdict] { return new(verdictInput) }

func (in *verdictInput) bind(v *layers.Verdict) { in.verdict = v }

// Parent says that there is nothing behind the verdict.
func (*verdictInput) Parent() cel.Activation { return nil }

// ResolveName returns the named field of the verdict.
func (in *verdictInput) ResolveName(name string) (any, bool) {
	switch name {
	case "anomaly":
		return types.Double(in.verdict.Anomaly), true
	case "severity":
		return types.Int(in.verdict.Severity), true
	case "latency_ms":
		return types.Double(float64(in.verdict.DecidedAt.Sub(in.verdict.ReceivedAt)) / 1e6), true
	}
	text, ok := in.text(name)
	return types.String(text), ok
}

func (in *verdictInput) text(name string) (string, bool) {
	switch name {
	case "source":
		return in.verdict.Source, true
	case "type":
		return in.verdict.Type, true
	case "key":
		return in.verdict.Key, true
	case "layer":
		return in.verdict.Layer.String(), true
	case "disposition":
		return in.verdict.Disposition.String(), true
	case "reason":
		return in.verdict.Reason, true
	case "rule":
		return in.verdict.Rule, true
	case "template_id":
		return in.verdict.TemplateID, true
	case "situation_id":
		return in.verdict.SituationID, true
	}
	return "", false
}
