package implementation

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of what is read of structured data.
const (
	maxDataBytes = 256 << 10
	maxFields    = 64
	maxFeatures  = 32
	maxName      = 64 // bytes of a feature's name
	maxDepth     = 4  // levels of names in a path
)

// fields are the names of an object's fields, sorted, the numbers among their values, with one level of nesting, and the short
// texts among them, with maxDepth levels.
type fields struct {
	names   []string
	numbers []number
	texts   []fieldText
	only    *entityReader // where not nil, texts are kept whose paths tell it an entity
}

type number struct {
	name  string
	value float64
}

// fieldText is a field that may name an entity.
type fieldText struct {
	path string // its names, joined by dots
	text string
}

// readFields reads what is a JSON object; anything else has no fields. Of its texts it keeps all, or where only is given those whose
// paths tell it an entity.
func readFields(data json.RawMessage, only *entityReader) fields {
	f := fields{only: only}
	if object := readObject(data); object != nil {
		f.names = sortedNames(object)
		for _, name := range f.names {
			f.read(name, object[name])
		}
	}
	return f
}

func (f *fields) read(name string, value json.RawMessage) {
	if x, ok := parseNumber(string(value)); ok {
		f.add(name, x)
		f.addText(name, value)
		return
	}
	nested := readObject(value)
	if nested == nil {
		f.addText(name, value)
		return
	}
	for _, inner := range sortedNames(nested) {
		if x, ok := parseNumber(string(nested[inner])); ok {
			f.add(name+"."+inner, x)
		}
		f.readTexts(name+"."+inner, nested[inner], 2)
	}
}

// readTexts reads the texts of a value at a depth.
func (f *fields) readTexts(path string, value json.RawMessage, depth int) {
	nested := readObject(value)
	if nested == nil {
		f.addText(path, value)
		return
	}
	if depth == maxDepth {
		return
	}
	for _, inner := range sortedNames(nested) {
		f.readTexts(path+"."+inner, nested[inner], depth+1)
	}
}

// addText takes a string, or an integer, that may be a name.
func (f *fields) addText(path string, value json.RawMessage) {
	if len(f.texts) == maxFields || len(value) < 1 || len(value) > maxEntity+len(`""`) || len(path) > 2*maxName {
		return
	}
	if f.only != nil && f.only.kindOf(path).at < 0 {
		return
	}
	var text string
	switch {
	case value[0] != '"':
		if text = string(value); !isInteger(text) {
			return
		}
	case bytes.IndexByte(value, '\\') < 0:
		text = string(value[1 : len(value)-1])
	case json.Unmarshal(value, &text) != nil:
		return
	}
	if isEntity(text) {
		f.texts = append(f.texts, fieldText{path, text})
	}
}

func isInteger(text string) bool {
	return len(text) <= 18 && strings.Trim(text, "0123456789") == ""
}

func (f *fields) add(name string, value float64) {
	if len(f.numbers) < maxFeatures && name != "" && len(name) <= maxName {
		f.numbers = append(f.numbers, number{name, value})
	}
}

func readObject(data json.RawMessage) map[string]json.RawMessage {
	if len(data) > maxDataBytes || !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return nil // Not an object: it has no fields.
	}
	return object
}

// sortedNames returns the first names in their order.
func sortedNames(object map[string]json.RawMessage) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[:min(len(names), maxFields)]
}

// parseNumber reads a finite decimal number.
func parseNumber(text string) (value float64, ok bool) {
	if text == "" || !isDigit(text[len(text)-1]) || !isDigit(text[0]) && text[0] != '-' && text[0] != '+' {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && !math.IsInf(value, 0)
}

// features are the signal's value, the numbers in its data and those in its text, in this
// order of precedence.
func features(e *layers.Envelope, f fields, l *line, hasText bool) map[string]float64 {
	all := f.numbers
	if hasText {
		all = append(all, l.numbers()...)
	}
	if len(all) == 0 && !e.HasValue {
		return nil
	}
	found := make(map[string]float64, min(len(all)+1, maxFeatures))
	if e.HasValue {
		found["value"] = e.Value
	}
	for _, n := range all {
		if _, taken := found[n.name]; !taken && len(found) < maxFeatures {
			found[n.name] = n.value
		}
	}
	return found
}
