package expr

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// restrict finds what CEL allows and a condition must not do: arithmetic that never works,
// and single steps whose time, size or order nothing bounds. CEL's cost limit is no help
// there, because it counts a step once it is done.
func restrict(checked *ast.AST) []Issue {
	var found []Issue
	report := func(e ast.Expr, message string) {
		found = append(found, issueAt(checked.SourceInfo().GetStartLocation(e.ID()), message))
	}
	var literal ast.Expr // a map written in the expression
	var overMap bool     // a loop over what may be a map
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.CallKind:
			restrictCall(checked, e, report)
		case ast.MapKind:
			literal = e
		case ast.ComprehensionKind:
			overMap = overMap || checked.GetType(e.AsComprehension().IterRange().ID()).Kind() != types.ListKind
		}
	}))
	if literal != nil && overMap {
		report(literal, `a loop over {…} has no order: write a list, as in ["a", "b"].exists(x, x == key)`)
	}
	return found
}

func restrictCall(checked *ast.AST, e ast.Expr, report func(ast.Expr, string)) {
	call := e.AsCall()
	switch name := call.FunctionName(); name {
	case "replace", "join", "format":
		report(e, name+" builds text, of any length: a condition may only look at text")
	case "matches", "indexOf", "lastIndexOf":
		// The argument is the first one of text.matches("…") and the second one of matches(text, "…").
		argument := call.Args()[0]
		if !call.IsMemberFunction() {
			argument = call.Args()[1]
		}
		if argument.Kind() != ast.LiteralKind {
			report(argument, name+" needs its argument written out, in quotes: what a signal brings could take any time")
		}
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		restrictPayload(checked, call.Args(), report)
	}
}

// restrictPayload finds arithmetic between the payload, whose numbers are doubles, and an
// integer: CEL does not mix them, so it would silently never hold.
func restrictPayload(checked *ast.AST, args []ast.Expr, report func(ast.Expr, string)) {
	if !slices.ContainsFunc(args, isPayload) {
		return
	}
	for _, arg := range args {
		if checked.GetType(arg.ID()).IsExactType(cel.IntType) {
			report(arg, "the numbers in data are doubles: write the other number with a decimal point, such as 2.0,"+
				" or turn the field into an integer, as in int(data.size)")
		}
	}
}

// isPayload reports whether e is data or a field or element of it.
func isPayload(e ast.Expr) bool {
	for {
		switch {
		case e.Kind() == ast.IdentKind:
			return e.AsIdent() == "data"
		case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
			e = e.AsSelect().Operand()
		case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index:
			e = e.AsCall().Args()[0]
		default:
			return false
		}
	}
}
