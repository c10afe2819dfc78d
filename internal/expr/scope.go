package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"

	"github.com/2lab-ai/hal9/layers"
)

// SignalScope says what a condition over a signal looks at, and for which sources, types, keys and labels alone it
// can hold. Where the expression does not compile, or nothing can be said, it reads everything and has no guards.
func SignalScope(expression string) layers.Scope {
	unknown := layers.Scope{Reads: layers.ReadsAll}
	if checkLength(expression) != nil {
		return unknown
	}
	env, err := newEnvironment(signalVariables())
	if err != nil {
		return unknown
	}
	checked, err := check(env, expression, signalVariables(), explainBool)
	if err != nil {
		return unknown
	}
	root := checked.NativeRep().Expr()
	return layers.Scope{Reads: readsOf(root), Guards: guardsOf(root)}
}

// readsOf collects the variables. A loop's own variable may hide one of them: then too much is collected.
func readsOf(root ast.Expr) (reads layers.Reads) {
	known := map[string]layers.Reads{
		"source": layers.ReadsSource, "type": layers.ReadsType, "key": layers.ReadsKey, "text": layers.ReadsText,
		"value": layers.ReadsValue, "has_value": layers.ReadsValue, "labels": layers.ReadsLabels, "data": layers.ReadsData,
	}
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind {
			reads |= known[e.AsIdent()]
		}
	}))
	return reads
}

// guardsOf finds what must be so for e to be true.
func guardsOf(e ast.Expr) []layers.Guard {
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return append(guardsOf(args[0]), guardsOf(args[1])...)
	case operators.LogicalOr:
		return either(guardsOf(args[0]), guardsOf(args[1]))
	case operators.Equals:
		if g, ok := equality(args[0], args[1]); ok {
			return []layers.Guard{g}
		}
		if g, ok := equality(args[1], args[0]); ok {
			return []layers.Guard{g}
		}
	case operators.In:
		if g, ok := membership(args[0], args[1]); ok {
			return []layers.Guard{g}
		}
	case overloads.StartsWith:
		if g, ok := beginning(call); ok {
			return []layers.Guard{g}
		}
	}
	return nil
}

// either keeps what both sides of "or" ask of the same field.
func either(a, b []layers.Guard) (both []layers.Guard) {
	for _, left := range a {
		for _, right := range b {
			if left.Field == right.Field && left.Prefix == right.Prefix {
				both = append(both, layers.Guard{
					Field: left.Field, Prefix: left.Prefix, Values: slices.Concat(left.Values, right.Values),
				})
				break
			}
		}
	}
	return both
}

func equality(field, value ast.Expr) (g layers.Guard, ok bool) {
	name, isField := fieldName(field)
	text, isText := literalText(value)
	return layers.Guard{Field: name, Values: []string{text}}, isField && isText
}

func membership(field, list ast.Expr) (g layers.Guard, ok bool) {
	name, ok := fieldName(field)
	if !ok || list.Kind() != ast.ListKind {
		return g, false
	}
	g.Field = name
	for _, element := range list.AsList().Elements() {
		text, ok := literalText(element)
		if !ok {
			return g, false
		}
		g.Values = append(g.Values, text)
	}
	return g, len(g.Values) > 0
}

func beginning(call ast.CallExpr) (g layers.Guard, ok bool) {
	if !call.IsMemberFunction() || len(call.Args()) != 1 {
		return g, false
	}
	name, isField := fieldName(call.Target())
	text, isText := literalText(call.Args()[0])
	return layers.Guard{Field: name, Values: []string{text}, Prefix: true}, isField && isText && text != ""
}

// fieldName names source, type, key, labels.x and labels["x"].
func fieldName(e ast.Expr) (name string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		switch name := e.AsIdent(); name {
		case "source", "type", "key":
			return name, true
		}
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() && isLabels(s.Operand()) {
			return "label:" + s.FieldName(), true
		}
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index && isLabels(call.Args()[0]) {
			text, ok := literalText(call.Args()[1])
			return "label:" + text, ok
		}
	}
	return "", false
}

func isLabels(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "labels" }

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().Value().(string)
	return text, ok
}
