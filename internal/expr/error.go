package expr

import (
	"fmt"
	"strings"
)

// Issue is one thing that is wrong with an expression, and where: line and column count
// from 1, columns in characters.
type Issue struct {
	Line, Column int
	Message      string
}

// CompileError says all that is wrong with an expression, in the order of its text.
type CompileError struct{ Issues []Issue }

// Error returns the issues in one line, such as
// `expr: 1:1: unknown name "sevrity", did you mean "severity"? known: …`.
func (e *CompileError) Error() string {
	texts := make([]string, len(e.Issues))
	for i, issue := range e.Issues {
		texts[i] = fmt.Sprintf("%d:%d: %s", issue.Line, issue.Column, issue.Message)
	}
	return "expr: " + strings.Join(texts, "; ")
}
