package archtest

import "strings"

// checkComment reports a package that has not exactly one package comment. A folder with
// nothing but tests needs none.
func checkComment(p *pkg) []Violation {
	production := p.production()
	var commented []*file
	for _, f := range production {
		if f.syntax.Doc.Text() != "" { // directives are no text
			commented = append(commented, f)
		}
	}
	switch {
	case len(production) == 0:
		return nil
	case len(commented) == 0:
		return []Violation{{File: p.dir, Text: "package without a package comment: say in one file what it owns and promises"}}
	}
	first := commented[0]
	name := first.syntax.Name.Name
	var found []Violation
	if want := "Package " + name + " "; name != "main" && !strings.HasPrefix(first.syntax.Doc.Text(), want) {
		found = append(found, p.at(first, first.syntax.Doc.Pos(), "the package comment must start with %q", want))
	}
	for _, f := range commented[1:] {
		found = append(found, p.at(f, f.syntax.Doc.Pos(), "second package comment: the first is in %s, one is allowed", first.name))
	}
	return found
}
