package expr

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/2lab-ai/hal9/layers"
)

// explainer turns what CEL's checker reports into words for people who do not know CEL.
type explainer struct {
	env       *cel.Env
	text      string
	parsed    *ast.AST
	variables []variable
}

// macroForms says how the functions that take a name are written.
func macroForms() map[string]string {
	return map[string]string{
		"all": "list.all(x, condition)", "exists": "list.exists(x, condition)",
		"exists_one": "list.exists_one(x, condition)", "filter": "list.filter(x, condition)",
		"map": "list.map(x, value)", "has": "has(labels.name)",
	}
}

// explainAll explains every problem, and only the wrong form of a macro where there is one:
// the names it would have declared are then unknown as a consequence.
func (x explainer) explainAll(problems []*cel.Error) []Issue {
	issues := make([]Issue, 0, len(problems))
	for _, problem := range problems {
		node := x.node(problem.ExprID)
		if node.Kind() == ast.CallKind {
			if form, ok := macroForms()[node.AsCall().FunctionName()]; ok {
				return []Issue{issueAt(problem.Location, "wrong arguments: write "+form)}
			}
		}
		issues = append(issues, x.explain(problem, node))
	}
	return issues
}

func (x explainer) explain(problem *cel.Error, node ast.Expr) Issue {
	issue := issueAt(problem.Location, problem.Message)
	switch {
	case node.Kind() == ast.IdentKind:
		issue.Message = x.unknownName(node.AsIdent())
	case node.Kind() == ast.CallKind && !x.env.HasFunction(node.AsCall().FunctionName()):
		name := node.AsCall().FunctionName()
		issue.Message = "unknown function " + strings.TrimSuffix(x.suggest(name, slices.Collect(maps.Keys(x.env.Functions()))), ";")
		issue.Column = x.startOf(name, issue)
	case node.Kind() == ast.CallKind:
		issue.Message = x.wrongTypes(node.AsCall(), problem.Message)
	case node.Kind() == ast.LiteralKind && strings.HasPrefix(problem.Message, "invalid matches"):
		pattern, _ := node.AsLiteral().Value().(string)
		if _, err := regexp.Compile(pattern); err != nil {
			issue.Message = err.Error()
		}
	}
	return issue
}

func (x explainer) unknownName(name string) string {
	var known []string
	for _, v := range x.variables {
		known = append(known, v.name)
	}
	for s := layers.SeverityDebug; s <= layers.SeverityCritical; s++ {
		known = append(known, s.String())
	}
	return fmt.Sprintf("unknown name %s known: %s", x.suggest(name, known), strings.Join(known, ", "))
}

// suggest quotes a name and ends with a question that names the nearest known one, or with
// a semicolon where none is near.
func (explainer) suggest(name string, known []string) string {
	if near := Nearest(name, slices.Sorted(slices.Values(known))); near != "" {
		return fmt.Sprintf("%q, did you mean %q?", name, near)
	}
	return fmt.Sprintf("%q;", name)
}

// startOf returns the column of a function's name: the checker points at its parenthesis.
func (x explainer) startOf(name string, issue Issue) int {
	lines := strings.Split(x.text, "\n")
	if issue.Line > len(lines) {
		return issue.Column
	}
	line := []rune(lines[issue.Line-1])
	start := issue.Column - 1 - len([]rune(name))
	if start < 0 || issue.Column-1 > len(line) || string(line[start:issue.Column-1]) != name {
		return issue.Column
	}
	return start + 1
}

// wrongTypes rewrites "found no matching overload for '_==_' applied to '(int, string)'".
func (x explainer) wrongTypes(call ast.CallExpr, message string) string {
	_, kinds, ok := strings.Cut(message, "applied to '")
	if !ok {
		return message
	}
	name, isOperator := operators.FindReverse(call.FunctionName())
	if !isOperator || name == "" {
		name = call.FunctionName()
	}
	return fmt.Sprintf("%s cannot take %s%s", name, strings.TrimSuffix(kinds, "'"), x.hint(call, kinds))
}

// hint says what to write where one of the usual mistakes made the types differ.
func (explainer) hint(call ast.CallExpr, kinds string) string {
	isAbout := func(name string) bool {
		return slices.ContainsFunc(call.Args(), func(e ast.Expr) bool {
			for e.Kind() == ast.SelectKind {
				e = e.AsSelect().Operand()
			}
			return e.Kind() == ast.IdentKind && e.AsIdent() == name
		})
	}
	switch hasString := strings.Contains(kinds, "string"); {
	case hasString && isAbout("severity"):
		return ": compare severity with debug, info, warning, error or critical, without quotes"
	case hasString && isAbout("labels") && (strings.Contains(kinds, "int") || strings.Contains(kinds, "double")):
		return `: labels are text, write "500" or double(labels.name)`
	case strings.Contains(kinds, "double") && strings.Contains(kinds, "int"):
		return ": write whole numbers with a decimal point, such as 5.0"
	}
	return ""
}

// node returns the part of the expression with the given id.
func (x explainer) node(id int64) ast.Expr {
	var found ast.Expr
	ast.PostOrderVisit(x.parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	if found == nil {
		return x.parsed.Expr()
	}
	return found
}
