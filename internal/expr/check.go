package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
)

// check parses and type-checks an expression of a type that kindProblem accepts.
func check(env *cel.Env, text string, variables []variable, kindProblem func(*cel.Type) string) (*cel.Ast, error) {
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, &CompileError{Issues: []Issue{explainSyntax(issues.Errors()[0])}}
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		x := explainer{env: env, text: text, parsed: parsed.NativeRep(), variables: variables}
		return nil, &CompileError{Issues: x.explainAll(issues.Errors())}
	}
	if problem := kindProblem(checked.OutputType()); problem != "" {
		return nil, &CompileError{Issues: []Issue{{Line: 1, Column: 1, Message: problem}}}
	}
	if found := restrict(checked.NativeRep()); len(found) > 0 {
		return nil, &CompileError{Issues: found}
	}
	return checked, nil
}

// explainBool says what is wrong with a condition of a type.
func explainBool(kind *cel.Type) string {
	if kind.IsExactType(cel.BoolType) {
		return ""
	}
	if kind.IsExactType(cel.DynType) {
		return "the expression must be true or false, and what data holds is known only when a signal comes:" +
			" compare it, as in data.urgent == true"
	}
	return "the expression must be true or false, this one is of type " + cel.FormatCELType(kind)
}

// issueAt keeps the position within the text: cel counts columns from 0, and from -1 where
// there is no text to point at.
func issueAt(at common.Location, message string) Issue {
	return Issue{Line: max(1, at.Line()), Column: max(1, at.Column()+1), Message: message}
}
