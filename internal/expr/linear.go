package expr

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
)

// isLinear reports whether everything that the expression does takes time linear in its
// input. The length of the expression then bounds the work, and counting it, which makes
// a short evaluation three times as slow, can be left out. Loops are not linear, and functions that
// make lists feed them.
func isLinear(checked *ast.AST) bool {
	linear := true
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			linear = false
		case ast.CallKind:
			linear = linear && isLinearCall(e.AsCall())
		}
	}))
	return linear
}

func isLinearCall(call ast.CallExpr) bool {
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional,
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals,
		operators.Greater, operators.GreaterEquals, operators.In, operators.Index,
		operators.Add, operators.Subtract, operators.Multiply, operators.Divide,
		operators.Modulo, operators.Negate:
		return true
	case overloads.Contains, overloads.StartsWith, overloads.EndsWith, overloads.Size,
		overloads.TypeConvertBool, overloads.TypeConvertDouble, overloads.TypeConvertInt,
		overloads.TypeConvertString, overloads.TypeConvertDyn, overloads.Matches,
		"lowerAscii", "upperAscii", "trim":
		return true
	}
	return false
}
