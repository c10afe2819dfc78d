package archtest

import (
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"strings"
)

// The limits of a room: what a reader takes in at once.
const (
	maxFileLines     = 300 // of code in one file; comments and blank lines are free
	maxFunctionLines = 60  // between a function's braces; lines with comments alone are free
)

// checkSizes reports files and functions of production code past their limit. Generated
// files are as long as their generator makes them.
func checkSizes(p *pkg) []Violation {
	var found []Violation
	for _, f := range p.production() {
		if ast.IsGenerated(f.syntax) {
			continue
		}
		lines := classify(f.source)
		if n := len(lines.code); n > maxFileLines {
			found = append(found, Violation{File: f.name, Line: 1, Text: tooLong("file", n, maxFileLines)})
		}
		for _, decl := range f.syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := lines.between(p.line(fn.Body.Lbrace), p.line(fn.Body.Rbrace)); n > maxFunctionLines {
				found = append(found, p.at(f, fn.Pos(), "%s", tooLong("function "+fn.Name.Name, n, maxFunctionLines)))
			}
		}
	}
	return found
}

func tooLong(what string, lines, limit int) string {
	return fmt.Sprintf("%s has %d lines, %d are allowed: split it by what it does", what, lines, limit)
}

// lineKinds says which lines of a file hold code and which hold comments; some hold both.
type lineKinds struct{ code, comment map[int]bool }

// between counts the lines after open and before end that are not comments alone.
func (l lineKinds) between(open, end int) int {
	n := 0
	for line := open + 1; line < end; line++ {
		if l.code[line] || !l.comment[line] {
			n++
		}
	}
	return n
}

// classify scans a file that is known to parse.
func classify(source []byte) lineKinds {
	lines := lineKinds{code: make(map[int]bool), comment: make(map[int]bool)}
	handle := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(handle, source, nil, scanner.ScanComments)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok == token.SEMICOLON && text != ";" {
			continue // put in by the scanner, not by the author
		}
		kind := lines.code
		if tok == token.COMMENT {
			kind = lines.comment
		}
		first := handle.Line(pos)
		for line := range 1 + strings.Count(text, "\n") { // raw strings and block comments span lines
			kind[first+line] = true
		}
	}
}
