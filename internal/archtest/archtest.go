// Package archtest reads the module's own source and reports where it leaves the
// architecture: an import against the arrows, a package without a rule, a package
// without exactly one package comment, init functions, package-level state that
// changes, and files or functions past their limit. It parses and never builds, so
// that it stays fast and judges files of every platform.
package archtest

import (
	"cmp"
	"fmt"
	"slices"
)

// Violation is one place that leaves the architecture.
type Violation struct {
	File string // slash-separated, below the module's root; a folder where no file is at fault
	Line int    // from 1; 0 where no line is at fault
	Text string // what is wrong there and what is allowed
}

// String returns "file:line: text", the form that editors jump to.
func (v Violation) String() string {
	if v.Line == 0 {
		return v.File + ": " + v.Text
	}
	return fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.Text)
}

// Check reads the module whose go.mod lies in root and returns what breaks the rules,
// sorted by file and line. Nested modules, testdata and folders that begin with a dot or
// an underscore are not part of it. An error means that the tree could not be read.
func Check(root string, rules []Rule) ([]Violation, error) {
	tree, err := readModule(root)
	if err != nil {
		return nil, err
	}
	var found []Violation
	for _, pkg := range tree.packages {
		found = append(found, checkImports(tree.module, pkg, rules)...)
		found = append(found, checkComment(pkg)...)
		found = append(found, checkState(pkg)...)
		found = append(found, checkSizes(pkg)...)
	}
	found = append(found, unusedRules(tree, rules)...)
	slices.SortFunc(found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return found, nil
}
