package config

import (
	"errors"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Document is a YAML file of another kind that is read like hal9.yaml: everything that is wrong in it is told at once,
// with its place.
type Document struct{ d *decoder }

// ReadDocument reads the file at path into a struct whose fields have yaml tags; fields of type any take whatever
// stands there, with JSON's types. The error says why the file could not be read; what is wrong in it is for Err.
func ReadDocument(path string, into any) (*Document, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return ParseDocument(path, data, into), nil
}

// ParseDocument is ReadDocument for data, which problems call name.
func ParseDocument(name string, data []byte, into any) *Document {
	d := newDecoder(name, data)
	if top := d.root(data); top != nil {
		d.decode(top, "", reflect.ValueOf(into).Elem())
	}
	return &Document{d}
}

// Report adds a problem at a path such as "tests[0].signals[2].at", or at the nearest thing above it that the file has.
func (doc *Document) Report(path, format string, args ...any) {
	doc.d.report(doc.d.nearestNode(path), path, format, args...)
}

// Line returns the line of a path, or of the nearest thing above it that the file has.
func (doc *Document) Line(path string) int { return doc.d.nearestNode(path).Line }

// Err joins a *Problem for each thing that is wrong, in the order of the file; nil where nothing is.
func (doc *Document) Err() error {
	sortProblems(doc.d.problems)
	problems := make([]error, len(doc.d.problems))
	for i := range doc.d.problems {
		problems[i] = &doc.d.problems[i]
	}
	return errors.Join(problems...)
}

// ParseDuration reads a duration as hal9.yaml writes it: "30d", "1h30m".
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }

// maxDepth bounds how deep what a field of type any holds may nest.
const maxDepth = 64

// decodeAny gives what stands in the file the type that JSON would give it: map[string]any, []any, string, float64, bool.
// Dates are text.
func (d *decoder) decodeAny(n *yaml.Node, path string, depth int) any {
	d.visited++
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case d.visited > maxNodes || depth > maxDepth:
		d.report(n, path, "too much, or nested too deep: want at most %d values and %d levels", maxNodes, maxDepth)
		return nil
	case isNull(n):
		return nil
	case n.Kind == yaml.MappingNode:
		object := make(map[string]any)
		d.eachKey(n, path, func(key, value *yaml.Node) {
			object[key.Value] = d.decodeAny(value, join(path, key.Value), depth+1)
		})
		return object
	case n.Kind == yaml.SequenceNode:
		list := make([]any, 0, min(len(n.Content), 1000))
		for i, item := range n.Content {
			if d.full() {
				break
			}
			list = append(list, d.decodeAny(item, itemPath(path, i), depth+1))
		}
		return list
	}
	return d.anyScalar(n, path)
}

func (d *decoder) anyScalar(n *yaml.Node, path string) any {
	if n.Style&yaml.TaggedStyle != 0 {
		d.report(n, path, "YAML reads %s as a tag: put text that begins with ! in quotes", shorten(n.Tag))
		return nil
	}
	switch n.ShortTag() {
	case "!!bool":
		if value, err := strconv.ParseBool(n.Value); err == nil {
			return value
		}
	case "!!int", "!!float":
		var number float64
		if err := n.Decode(&number); err == nil && number-number == 0 { // neither infinite nor NaN, which JSON does not know
			return number
		}
		d.report(n, path, "%s is no number that JSON can write", shorten(n.Value))
		return nil
	}
	return n.Value
}
