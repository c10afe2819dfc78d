package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// moduleTree is the parsed source of one Go module.
type moduleTree struct {
	module   string // the module's path
	packages []*pkg // sorted by folder
}

// pkg is one folder of Go files.
type pkg struct {
	dir   string // slash-separated, below the root; "." for the root itself
	fset  *token.FileSet
	files []*file // sorted by name
}

// file is one parsed file.
type file struct {
	name   string // slash-separated, below the module's root
	test   bool   // name ends in _test.go
	source []byte
	syntax *ast.File
}

func (p *pkg) line(at token.Pos) int { return p.fset.Position(at).Line }

// at reports text at a position of one of the package's files.
func (p *pkg) at(f *file, pos token.Pos, format string, args ...any) Violation {
	return Violation{File: f.name, Line: p.line(pos), Text: fmt.Sprintf(format, args...)}
}

// production returns the files that are no tests.
func (p *pkg) production() []*file {
	var files []*file
	for _, f := range p.files {
		if !f.test {
			files = append(files, f)
		}
	}
	return files
}

// readModule parses every Go file of the module in root.
func readModule(root string) (*moduleTree, error) {
	name, err := modulePath(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	tree := &moduleTree{module: name}
	err = fs.WalkDir(os.DirFS(root), ".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if skipped(root, dir) {
			return fs.SkipDir
		}
		p, err := readPackage(root, dir)
		if err == nil && len(p.files) > 0 {
			tree.packages = append(tree.packages, p)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("archtest: reading %s: %w", root, err)
	}
	if len(tree.packages) == 0 {
		return nil, fmt.Errorf("archtest: no Go files below %s", root)
	}
	return tree, nil
}

// skipped reports whether the Go tool, too, leaves the folder out of the module.
func skipped(root, dir string) bool {
	if dir == "." {
		return false
	}
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(dir), "go.mod"))
	return err == nil // a module of its own
}

func readPackage(root, dir string) (*pkg, error) {
	p := &pkg{dir: dir, fset: token.NewFileSet()}
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		f := &file{name: path.Join(dir, entry.Name()), test: strings.HasSuffix(entry.Name(), "_test.go")}
		if f.source, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(f.name))); err != nil {
			return nil, err
		}
		mode := parser.ParseComments | parser.SkipObjectResolution
		if f.syntax, err = parser.ParseFile(p.fset, f.name, f.source, mode); err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
	}
	return p, nil
}

// modulePath reads the module line of a go.mod.
func modulePath(goMod string) (string, error) {
	text, err := os.ReadFile(goMod)
	if err != nil {
		return "", fmt.Errorf("archtest: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(rest), nil
		}
	}
	return "", errors.New("archtest: " + goMod + " has no module line")
}
