package implementation

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/rawjson"
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
func readFields(data []byte, only *entityReader) fields {
	f := fields{only: only}
	for _, m := range readObject(data) {
		f.names = append(f.names, m.name)
		f.read(m.name, m.value)
	}
	return f
}

func (f *fields) read(name string, value []byte) {
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
	for _, inner := range nested {
		path := name + "." + inner.name
		if x, ok := parseNumber(string(inner.value)); ok {
			f.add(path, x)
		}
		f.readTexts(path, inner.value, 2)
	}
}

// readTexts reads the texts of a value at a depth.
func (f *fields) readTexts(path string, value []byte, depth int) {
	nested := readObject(value)
	if nested == nil {
		f.addText(path, value)
		return
	}
	if depth == maxDepth {
		return
	}
	for _, inner := range nested {
		f.readTexts(path+"."+inner.name, inner.value, depth+1)
	}
}

// addText takes a string, or an integer, that may be a name.
func (f *fields) addText(path string, value []byte) {
	if len(f.texts) == maxFields || len(value) < 1 || len(value) > maxEntity+len(`""`) || len(path) > 2*maxName {
		return
	}
	if f.only != nil && f.only.kindOf(path).at < 0 {
		return
	}
	said, quoted := rawjson.Text(value)
	if !quoted {
		said = value
	}
	text := string(said)
	if !quoted && !isInteger(text) {
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
	if len(f.numbers) < maxFeatures && name != "" && len(name) <= maxName && isMeasure(name, value) {
		f.numbers = append(f.numbers, number{name, value})
	}
}

// member is a field of an object.
type member struct {
	name  string
	value []byte
}

// readObject returns the first fields of an object by their names, each once; none of what is no object.
func readObject(data []byte) []member {
	if len(data) > maxDataBytes {
		return nil
	}
	var all []member
	isObject := rawjson.Members(data, func(name, value []byte) bool {
		all = append(all, member{string(name), value})
		return true
	})
	if !isObject {
		return nil
	}
	slices.SortStableFunc(all, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	kept := all[:0]
	for i, m := range all {
		if i+1 < len(all) && all[i+1].name == m.name {
			continue // The last of equal names counts.
		}
		kept = append(kept, m)
	}
	return kept[:min(len(kept), maxFields)]
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
