package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxBytes bounds a file.
const maxBytes = 1 << 20

// root parses data as one YAML document and returns its top, nil where there is none or
// where something is wrong, which is then reported.
func (d *decoder) root(data []byte) *yaml.Node {
	if len(data) > maxBytes {
		d.reportAt(1, 1, "", fmt.Sprintf("the file is larger than %d bytes", maxBytes))
		return nil
	}
	if !utf8.Valid(data) {
		line := 1
		for line < len(d.lines) && utf8.ValidString(d.lines[line-1]) {
			line++
		}
		d.reportAt(line, 1, "", "the line is not UTF-8 text")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err == nil:
		d.reportAt(second.Line, 1, "", "a second document begins here: a configuration is one document")
		return nil
	case !errors.Is(err, io.EOF):
		d.reportSyntax(err)
		return nil
	case len(document.Content) != 1:
		return nil
	}
	return document.Content[0]
}

// reportSyntax reports a YAML error in the line where it is. The parser names that line
// roughly or not at all, so it is searched for: it is the one that brings the error about.
func (d *decoder) reportSyntax(err error) {
	message := syntaxMessage(err)
	good, bad := 0, len(d.lines)
	for bad-good > 1 {
		middle := (good + bad) / 2
		if syntaxMessage(parseLines(d.lines[:middle])) == message {
			bad = middle
		} else {
			good = middle
		}
	}
	line := ""
	if bad >= 1 && bad <= len(d.lines) {
		line = d.lines[bad-1]
	}
	column := len(line) - len(strings.TrimLeft(line, " ")) + 1
	d.reportAt(bad, column, "", "not YAML: "+message+syntaxHint(message, line))
}

func parseLines(lines []string) error {
	decoder := yaml.NewDecoder(strings.NewReader(strings.Join(lines, "\n") + "\n"))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return err
		}
	}
}

// syntaxMessage strips the parser's name and its idea of the line.
func syntaxMessage(err error) string {
	return regexp.MustCompile(`^yaml: (line \d+: )?`).ReplaceAllString(err.Error(), "")
}

// syntaxHint names the usual mistake behind an error.
func syntaxHint(message, line string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t"):
		return ": indent with spaces, not with tabs"
	case strings.Contains(message, "mapping values are not allowed"), strings.Contains(message, "cannot start any token"):
		return ": check the indentation, and put text that has a colon or begins with a special character in quotes"
	case strings.Contains(message, "did not find expected key"):
		return ": check the indentation; text that begins with a quote, [ or { needs quotes around all of it," +
			` as in '"env" in labels'`
	case strings.Contains(message, "unexpected end of stream"):
		return ": a quote is not closed"
	}
	return ""
}

// splitLines cuts data into lines without their ends; there is at least one.
func splitLines(data []byte) []string {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}
