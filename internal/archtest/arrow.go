package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// checkImports reports imports that the package's rule does not allow. Test files may
// import what they need to test with, save assertion libraries and mocks.
func checkImports(module string, p *pkg, rules []Rule) []Violation {
	rule, ok := ruleFor(rules, p.dir)
	if !ok {
		return []Violation{{File: p.dir, Text: "package without a rule: say in internal/archtest/rule.go what it may import"}}
	}
	var found []Violation
	for _, f := range p.files {
		for _, spec := range f.syntax.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser takes valid strings only
			}
			if text := judge(module, p, f, rule, spec, target); text != "" {
				found = append(found, p.at(f, spec.Pos(), "%s", text))
			}
		}
	}
	return found
}

// judge says what is wrong with one import, or "".
func judge(module string, p *pkg, f *file, rule Rule, spec *ast.ImportSpec, target string) string {
	switch {
	case f.test:
		if hasPathPrefix(target, assertionLibraries()) {
			return fmt.Sprintf("%s imports %s: tests use the standard testing package with go-cmp", p.dir, target)
		}
		return ""
	case spec.Name != nil && spec.Name.Name == "_" && !slices.Contains([]string{"embed", "time/tzdata"}, target):
		return fmt.Sprintf("%s imports %s for its side effects: register by an explicit call", p.dir, target)
	case target == "C":
		return p.dir + " imports C: HAL9 is built without cgo"
	case target == "testing" && !strings.HasSuffix(p.dir, "test"):
		return p.dir + " imports testing: test helpers live in packages named *test"
	case allowed(module, rule, target):
		return ""
	}
	return fmt.Sprintf("forbidden arrow %s -> %s: %s may import %s",
		p.dir, strings.TrimPrefix(target, module+"/"), p.dir, rule.describe())
}

func assertionLibraries() []string {
	return []string{"github.com/stretchr/testify", "github.com/golang/mock", "go.uber.org/mock", "github.com/onsi"}
}

func allowed(module string, rule Rule, target string) bool {
	if target == module {
		return false // the root holds no package
	}
	if dir, ok := strings.CutPrefix(target, module+"/"); ok {
		return slices.ContainsFunc(rule.Internal, func(pattern string) bool { return matchesFolder(pattern, dir) })
	}
	first, _, _ := strings.Cut(target, "/")
	return !strings.Contains(first, ".") || hasPathPrefix(target, rule.External) // no dot: standard library
}

func matchesFolder(pattern, dir string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return dir == parent || strings.HasPrefix(dir, parent+"/")
	}
	matched, err := path.Match(pattern, dir)
	return err == nil && matched
}

func hasPathPrefix(target string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return target == prefix || strings.HasPrefix(target, prefix+"/")
	})
}

func (r Rule) describe() string {
	return strings.Join(append([]string{"the standard library"}, append(slices.Clone(r.Internal), r.External...)...), ", ")
}

// unusedRules reports rules that hold for no package, so that the table shrinks with the tree.
func unusedRules(tree *moduleTree, rules []Rule) []Violation {
	used := make(map[string]bool, len(rules))
	for _, p := range tree.packages {
		if rule, ok := ruleFor(rules, p.dir); ok {
			used[rule.Packages] = true
		}
	}
	var found []Violation
	for _, rule := range rules {
		if !used[rule.Packages] {
			found = append(found, Violation{File: rule.Packages, Text: "rule without a package: take it out of internal/archtest/rule.go"})
		}
	}
	return found
}
