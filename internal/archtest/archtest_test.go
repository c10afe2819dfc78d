package archtest_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/archtest"
)

// TestArchitecture holds this module to its own rules.
func TestArchitecture(t *testing.T) {
	found, err := archtest.Check(filepath.Join("..", ".."), archtest.Rules())
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range found {
		t.Error(violation)
	}
}

// TestCheckReports gives Check trees with one fault each: a rule that stops working is
// a rule that this test misses.
func TestCheckReports(t *testing.T) {
	rules := []archtest.Rule{
		{Packages: "core"},
		{Packages: "core/*", Internal: []string{"core"}, External: []string{"example.org/lib"}},
	}
	long := strings.Repeat("\tprintln()\n", 61)
	tests := map[string]struct {
		files map[string]string // added to a tree without fault; "" takes a file away
		want  []string
	}{
		"nothing": {},
		"arrow outward": {
			map[string]string{"core/core.go": "// Package core is x.\npackage core\n\nimport _x \"example.com/m/core/leaf\"\n\nvar _ = _x.X\n"},
			[]string{"core/core.go:4: forbidden arrow core -> core/leaf: core may import the standard library"},
		},
		"arrow between siblings": {
			map[string]string{
				"core/leaf/more.go": "package leaf\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/m/core/twig\"\n)\n\nvar X = fmt.Sprint(twig.X)\n",
				"core/twig/twig.go": "// Package twig is x.\npackage twig\n",
			},
			[]string{"core/leaf/more.go:6: forbidden arrow core/leaf -> core/twig: core/leaf may import the standard library, core, example.org/lib"},
		},
		"third party not allowed": {
			map[string]string{"core/leaf/more.go": "package leaf\n\nimport \"example.org/library\"\n"},
			[]string{"core/leaf/more.go:3: forbidden arrow core/leaf -> example.org/library: core/leaf may import the standard library, core, example.org/lib"},
		},
		"other platforms are judged too": {
			map[string]string{"core/core_plan9.go": "//go:build plan9\n\npackage core\n\nimport \"example.org/lib\"\n"},
			[]string{"core/core_plan9.go:5: forbidden arrow core -> example.org/lib: core may import the standard library"},
		},
		"the module's root": {
			map[string]string{"core/leaf/more.go": "package leaf\n\nimport \"example.com/m\"\n"},
			[]string{"core/leaf/more.go:3: forbidden arrow core/leaf -> example.com/m: core/leaf may import the standard library, core, example.org/lib"},
		},
		"side effects": {
			map[string]string{"core/leaf/more.go": "package leaf\n\nimport (\n\t_ \"embed\"\n\t_ \"net/http/pprof\"\n)\n"},
			[]string{"core/leaf/more.go:5: core/leaf imports net/http/pprof for its side effects: register by an explicit call"},
		},
		"cgo": {
			map[string]string{"core/leaf/more.go": "package leaf\n\nimport \"C\"\n"},
			[]string{"core/leaf/more.go:3: core/leaf imports C: HAL9 is built without cgo"},
		},
		"testing in production": {
			map[string]string{"core/leaf/more.go": "package leaf\n\nimport \"testing\"\n", "core/leaftest/l.go": "// Package leaftest is x.\npackage leaftest\n\nimport \"testing\"\n"},
			[]string{"core/leaf/more.go:3: core/leaf imports testing: test helpers live in packages named *test"},
		},
		"assertion library": {
			map[string]string{"core/core_test.go": "package core\n\nimport (\n\t\"example.com/m/core/leaf\"\n\t\"github.com/stretchr/testify/require\"\n)\n"},
			[]string{"core/core_test.go:5: core imports github.com/stretchr/testify/require: tests use the standard testing package with go-cmp"},
		},
		"package without a rule": {
			map[string]string{"odd/odd.go": "// Package odd is x.\npackage odd\n"},
			[]string{"odd: package without a rule: say in internal/archtest/rule.go what it may import"},
		},
		"rule without a package": {
			map[string]string{"core/leaf/leaf.go": ""},
			[]string{"core/*: rule without a package: take it out of internal/archtest/rule.go"},
		},
		"no package comment": {
			map[string]string{"core/core.go": "//go:build !plan9\n\n//lint:ignore x y\npackage core\n"},
			[]string{"core: package without a package comment: say in one file what it owns and promises"},
		},
		"two package comments": {
			map[string]string{"core/more.go": "// Package core is y.\npackage core\n"},
			[]string{"core/more.go:1: second package comment: the first is in core/core.go, one is allowed"},
		},
		"comment about nothing": {
			map[string]string{"core/core.go": "\n// Core things.\npackage core\n"},
			[]string{`core/core.go:2: the package comment must start with "Package core "`},
		},
		"init": {
			map[string]string{"core/more.go": "package core\n\ntype t struct{}\n\nfunc (t) init() {}\n\nfunc init() {}\n"},
			[]string{"core/more.go:7: init function: call what it does from where it is needed"},
		},
		"variable assigned in another file": {
			map[string]string{
				"core/a.go": "package core\n\nvar table = map[string]int{\"a\": 1}\n\nvar n = 1\n\nvar s struct{ x int }\n",
				"core/b.go": "package core\n\nfunc f() {\n\ttable[\"b\"] = 2\n\tn++\n\ts.x = 1\n\tfor n = range 3 {\n\t}\n}\n",
			},
			[]string{
				"core/b.go:4: package-level variable table is changed here: keep state in a value that is passed in",
				"core/b.go:5: package-level variable n is changed here: keep state in a value that is passed in",
				"core/b.go:6: package-level variable s is changed here: keep state in a value that is passed in",
				"core/b.go:7: package-level variable n is changed here: keep state in a value that is passed in",
			},
		},
		"variables that are there to change": {
			map[string]string{"core/a.go": "package core\n\nimport (\n\t\"sync\"\n\t\"sync/atomic\"\n)\n\n" +
				"var mu sync.Mutex\n\nvar p = &sync.Pool{}\n\nvar c = make(chan int)\n\nvar a atomic.Pointer[int]\n"},
			[]string{
				"core/a.go:8: package-level variable mu is a sync.Mutex: keep state in a value that is passed in",
				"core/a.go:10: package-level variable p is a sync.Pool: keep state in a value that is passed in",
				"core/a.go:12: package-level variable c is a channel: keep state in a value that is passed in",
				"core/a.go:14: package-level variable a is a atomic.Pointer: keep state in a value that is passed in",
			},
		},
		"what is no state": {
			map[string]string{
				"core/leaf/a.go": "package leaf\n\nimport (\n\t\"errors\"\n\n\t\"example.com/m/core\"\n)\n\n" +
					"var ErrX = errors.New(\"x\")\n\nvar table = [...]string{\"a\"}\n\n" +
					"func f() {\n\ttable := []int{1}\n\ttable[0] = 2\n\tcore.X = 1\n\tvar n int\n\tn++\n}\n",
				"core/leaf/a_test.go": "package leaf\n\nfunc g() { table[0] = \"b\" }\n",
			},
			nil,
		},
		"long file": {
			map[string]string{
				"core/a.go": "package core\n" + strings.Repeat("\n// A comment.\nvar _ = 1\n", 300),
				"core/b.go": "package core\n" + strings.Repeat("\n// A comment.\nvar _ = 1\n", 299),
				"core/c.go": "// Code generated by x. DO NOT EDIT.\n\npackage core\n" + strings.Repeat("var _ = 1\n", 400),
			},
			[]string{"core/a.go:1: file has 301 lines, 300 are allowed: split it by what it does"},
		},
		"long raw string": {
			map[string]string{"core/a.go": "package core\n\nconst text = `" + strings.Repeat("\n", 300) + "`\n"},
			[]string{"core/a.go:1: file has 302 lines, 300 are allowed: split it by what it does"},
		},
		"long function": {
			map[string]string{
				"core/a.go":      "package core\n\nfunc f() {\n" + long + "}\n",
				"core/b.go":      "package core\n\nfunc g() {\n\t// A comment.\n\n" + strings.Repeat("\tprintln()\n", 59) + "}\n",
				"core/a_test.go": "package core\n\nfunc h() {\n" + long + "}\n",
			},
			[]string{"core/a.go:3: function f has 61 lines, 60 are allowed: split it by what it does"},
		},
		"what is not of the module": {
			map[string]string{
				"tools/go.mod":        "module example.com/tools\n",
				"tools/tools.go":      "package tools\n",
				"core/testdata/x.go":  "package broken {\n",
				".hidden/x.go":        "package hidden\n",
				"_attic/x.go":         "package attic\n",
				"core/leaf/notes.txt": "no Go\n",
			},
			nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := archtest.Check(writeTree(t, tt.files), rules)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, violation := range found {
				got = append(got, violation.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckCannotRead(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"no go.mod":      {map[string]string{"go.mod": ""}, "go.mod: no such file"},
		"no module line": {map[string]string{"go.mod": "go 1.26.0\n"}, "has no module line"},
		"no Go files":    {map[string]string{"core/core.go": "", "core/leaf/leaf.go": ""}, "no Go files below"},
		"broken source":  {map[string]string{"core/core.go": "package {\n"}, "core/core.go:1:9: expected 'IDENT'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := archtest.Check(writeTree(t, tt.files), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || found != nil {
				t.Errorf("Check = %v, %v; want an error with %q", found, err, tt.want)
			}
		})
	}
}

// writeTree writes a module without fault, changed by files.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	tree := map[string]string{
		"go.mod":            "module example.com/m\n\ngo 1.26.0\n",
		"core/core.go":      "// Package core is the middle.\npackage core\n",
		"core/leaf/leaf.go": "// Package leaf hangs on core.\npackage leaf\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/m/core\"\n\t\"example.org/lib/part\"\n)\n\nvar _ = fmt.Sprint(core.X, part.Y)\n",
	}
	maps.Copy(tree, files)
	for name, text := range tree {
		if text == "" {
			continue
		}
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
