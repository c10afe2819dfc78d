package config

import (
	"cmp"
	"fmt"
	"slices"
)

// Problem is one thing that is wrong, or doubtful, in a file, and where: lines and columns
// count from 1, columns in characters.
type Problem struct { //nolint:errname // a warning is a problem, too, and no error.
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path,omitempty"` // what it is about, such as "rules[2].when"; empty for the whole file
	Message string `json:"message"`
	Warning bool   `json:"warning"` // the file works, but hardly as meant
}

// Error returns the problem in one line, such as
// `hal9.yaml:7:3: rules[1]: unknown key "wen", did you mean "when"? …`.
func (p *Problem) Error() string {
	text := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Warning {
		text += "warning: "
	}
	if p.Path != "" {
		text += p.Path + ": "
	}
	return text + p.Message
}

// sortProblems puts them into the order of the file.
func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
