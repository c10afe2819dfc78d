package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// checkState reports init functions and package-level variables that change: those that
// production code assigns to after their declaration, and those that exist only to change
// (locks, atomics, pools, channels). Errors and tables that are declared once and only
// read are no state.
func checkState(p *pkg) []Violation {
	files := p.production()
	info := resolve(p, files)
	var found []Violation
	for _, f := range files {
		for _, decl := range f.syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil && decl.Name.Name == "init" {
					found = append(found, p.at(f, decl.Pos(), "init function: call what it does from where it is needed"))
				}
			case *ast.GenDecl:
				found = append(found, changeable(p, f, decl)...)
			}
		}
		found = append(found, assignments(p, f, info)...)
	}
	return found
}

// resolve finds out what each name of the files means. Imports stay unresolved, which
// leaves their types unknown and the package's own names known.
func resolve(p *pkg, files []*file) *types.Info {
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	syntax := make([]*ast.File, len(files))
	for i, f := range files {
		syntax[i] = f.syntax
	}
	conf := types.Config{Importer: emptyImporter{}, Error: func(error) {}} // errors are the compiler's business
	_, _ = conf.Check(p.dir, p.fset, syntax, info)
	return info
}

// emptyImporter gives every import a package without names.
type emptyImporter struct{}

func (emptyImporter) Import(path string) (*types.Package, error) {
	imported := types.NewPackage(path, "")
	imported.MarkComplete()
	return imported, nil
}

// assignments reports statements of f that change a package-level variable.
func assignments(p *pkg, f *file, info *types.Info) []Violation {
	var found []Violation
	report := func(target ast.Expr) {
		if name := packageVariable(info, target); name != "" {
			found = append(found, p.at(f, target.Pos(),
				"package-level variable %s is changed here: keep state in a value that is passed in", name))
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				report(target)
			}
		case *ast.IncDecStmt:
			report(n.X)
		case *ast.RangeStmt:
			report(n.Key)
			report(n.Value)
		}
		return true
	})
	return found
}

// packageVariable returns the name of the package-level variable that an assignment to
// target changes, or "". It follows elements and fields down to the variable.
func packageVariable(info *types.Info, target ast.Expr) string {
	for {
		switch x := target.(type) {
		case *ast.Ident:
			v, ok := info.Uses[x].(*types.Var)
			if ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return v.Name()
			}
			return ""
		case *ast.IndexExpr:
			target = x.X
		case *ast.SelectorExpr:
			target = x.X
		case *ast.StarExpr:
			target = x.X
		case *ast.ParenExpr:
			target = x.X
		default:
			return ""
		}
	}
}

// changeable reports package-level variables whose very type is there to change.
func changeable(p *pkg, f *file, decl *ast.GenDecl) []Violation {
	var found []Violation
	for _, spec := range decl.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok || decl.Tok != token.VAR {
			continue
		}
		for _, e := range append(slices.Clone(value.Values), value.Type) {
			if kind := changingKind(e); kind != "" {
				found = append(found, p.at(f, value.Pos(),
					"package-level variable %s is a %s: keep state in a value that is passed in", value.Names[0].Name, kind))
			}
		}
	}
	return found
}

// changingKind names the kind of state that a declaration's type or value is, or "".
func changingKind(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.UnaryExpr:
		return changingKind(x.X)
	case *ast.StarExpr:
		return changingKind(x.X)
	case *ast.IndexExpr: // atomic.Pointer[T]
		return changingKind(x.X)
	case *ast.CompositeLit:
		return changingKind(x.Type)
	case *ast.CallExpr:
		if name, ok := x.Fun.(*ast.Ident); ok && (name.Name == "make" || name.Name == "new") {
			return changingKind(x.Args[0])
		}
	case *ast.ChanType:
		return "channel"
	case *ast.SelectorExpr:
		if from, ok := x.X.(*ast.Ident); ok && (from.Name == "sync" || from.Name == "atomic") {
			return from.Name + "." + x.Sel.Name
		}
	}
	return ""
}
