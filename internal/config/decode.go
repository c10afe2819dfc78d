package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/2lab-ai/hal9/internal/expr"
)

const (
	// maxNodes bounds how many values a file has once its aliases are followed. How deep they
	// nest is bounded by the types that they are decoded into.
	maxNodes = 200_000
	// maxProblems bounds how many problems are told at once.
	maxProblems = 100
	// maxQuoted bounds how much of the file a message quotes, in characters.
	maxQuoted = 60
)

// decoder writes a YAML tree into Go values and collects everything that does not fit.
// Unlike yaml's own decoder it knows where everything stands and stops at nothing.
type decoder struct {
	file     string
	lines    []string
	problems []Problem
	nodes    map[string]*yaml.Node // by path, for what is checked afterwards
	visited  int
}

func newDecoder(file string, data []byte) *decoder {
	return &decoder{file: file, lines: splitLines(data), nodes: make(map[string]*yaml.Node)}
}

func (d *decoder) report(n *yaml.Node, path, format string, args ...any) {
	d.reportAt(n.Line, n.Column, path, fmt.Sprintf(format, args...))
}

// reportAt keeps positions within the file: the parser points past its end for what is missing.
func (d *decoder) reportAt(line, column int, path, message string) {
	switch {
	case d.full():
		return
	case len(d.problems) == maxProblems:
		path, message = "", "there are more problems: correct those above first"
	}
	d.problems = append(d.problems, Problem{
		File: d.file, Line: min(max(1, line), max(1, len(d.lines))), Column: max(1, column), Path: path, Message: message,
	})
}

// full reports that no more problems are told: there is no use in looking for them.
func (d *decoder) full() bool { return len(d.problems) > maxProblems }

// broken reports whether something at or below path is wrong.
func (d *decoder) broken(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		rest, below := strings.CutPrefix(p.Path, path)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// decode writes the node at path into a settable value.
func (d *decoder) decode(n *yaml.Node, path string, into reflect.Value) {
	d.visited++
	if d.visited > maxNodes {
		if d.visited == maxNodes+1 {
			d.report(n, path, "more than %d values once aliases are followed", maxNodes)
		}
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.nodes[path] = n
	if isNull(n) {
		return // as if it were not there
	}
	switch {
	case isScalar(into):
		d.decodeScalar(n, path, into)
	case into.Kind() == reflect.Struct:
		d.decodeStruct(n, path, into)
	case into.Kind() == reflect.Slice:
		d.decodeList(n, path, into)
	case into.Kind() == reflect.Map:
		d.decodeMap(n, path, into)
	case into.Kind() == reflect.Interface:
		if value := d.decodeAny(n, path, 0); value != nil {
			into.Set(reflect.ValueOf(value))
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func (d *decoder) decodeStruct(n *yaml.Node, path string, into reflect.Value) {
	fields, known := fieldsOf(into.Type())
	d.eachKey(n, path, func(key, value *yaml.Node) {
		index, ok := fields[key.Value]
		if !ok {
			d.report(key, path, "unknown key %s known keys: %s", suggest(shorten(key.Value), known), strings.Join(known, ", "))
			return
		}
		d.decode(value, join(path, key.Value), into.FieldByIndex(index))
	})
}

func suggest(key string, known []string) string {
	if key == "<<" {
		return `"<<": YAML's merge keys are not supported, repeat the keys;`
	}
	if near := expr.Nearest(key, known); near != "" {
		return fmt.Sprintf("%q, did you mean %q?", key, near)
	}
	return fmt.Sprintf("%q;", key)
}

// fieldsOf returns the fields of a struct by key, and the keys in their order. Those of an inlined struct are its own.
func fieldsOf(t reflect.Type) (fields map[string][]int, keys []string) {
	fields = make(map[string][]int)
	for i := range t.NumField() {
		key, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			inner, names := fieldsOf(t.Field(i).Type)
			for name, index := range inner {
				fields[name] = append([]int{i}, index...)
			}
			keys = append(keys, names...)
		case key != "":
			fields[key] = []int{i}
			keys = append(keys, key)
		}
	}
	return fields, keys
}

func (d *decoder) decodeMap(n *yaml.Node, path string, into reflect.Value) {
	into.Set(reflect.MakeMap(into.Type()))
	d.eachKey(n, path, func(key, value *yaml.Node) {
		element := reflect.New(into.Type().Elem()).Elem()
		d.decode(value, join(path, key.Value), element)
		into.SetMapIndex(reflect.ValueOf(key.Value).Convert(into.Type().Key()), element)
	})
}

// eachKey calls f for the keys of a mapping and reports what are none.
func (d *decoder) eachKey(n *yaml.Node, path string, f func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.report(n, path, "want keys with values, such as name: text, not %s", describe(n))
		return
	}
	first := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch line, taken := first[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null":
			d.report(key, path, "a key must be text, not %s", describe(key))
		case taken:
			d.report(key, path, "the key %q stands here twice, first in line %d", shorten(key.Value), line)
		default:
			first[key.Value] = key.Line
			f(key, value)
		}
	}
}

func (d *decoder) decodeList(n *yaml.Node, path string, into reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.report(n, path, `want a list, each item on a line of its own that begins with "- ", not %s`, describe(n))
		return
	}
	list := reflect.MakeSlice(into.Type(), 0, min(len(n.Content), 1000))
	for i, item := range n.Content {
		if d.visited > maxNodes || d.full() {
			return
		}
		element := reflect.New(into.Type().Elem()).Elem()
		d.decode(item, fmt.Sprintf("%s[%d]", path, i), element)
		list = reflect.Append(list, element)
	}
	into.Set(list)
}

// shorten cuts text of the file that goes into a message.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxQuoted {
		return string(runes[:maxQuoted]) + "…"
	}
	return text
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
