// Package rawjson walks through JSON member by member, without reflection and without a copy. It is for what was checked already: it finds
// where values begin and end, and does not look whether each is spelt as RFC 8259 wants it.
package rawjson

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Members calls visit with each member of an object, in order, until it returns false: with the name as it is meant, and the value as it stands
// there, without space around it. It reports whether data is an object as far as it was read.
func Members(data []byte, visit func(name, value []byte) bool) bool {
	w := walker{rest: data}
	if !w.take('{') {
		return false
	}
	if w.take('}') {
		return true
	}
	for {
		name, ok := w.value()
		if !ok || name[0] != '"' || !w.take(':') {
			return false
		}
		value, ok := w.value()
		if !ok {
			return false
		}
		if !visit(plain(name), value) {
			return true
		}
		if !w.take(',') {
			return w.take('}')
		}
	}
}

// Elements calls visit with each element of an array, as Members does with the members of an object.
func Elements(data []byte, visit func(value []byte) bool) bool {
	w := walker{rest: data}
	if !w.take('[') {
		return false
	}
	if w.take(']') {
		return true
	}
	for {
		value, ok := w.value()
		if !ok {
			return false
		}
		if !visit(value) {
			return true
		}
		if !w.take(',') {
			return w.take(']')
		}
	}
}

// Text returns what a string says, as a part of value where nothing in it is escaped; ok is false where value is no string.
func Text(value []byte) (text []byte, ok bool) {
	if len(value) < len(`""`) || value[0] != '"' || value[len(value)-1] != '"' {
		return nil, false
	}
	return plain(value), true
}

// plain returns what stands between the quotes of a string, without escapes.
func plain(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return inner
	}
	return []byte(text)
}

// walker goes through JSON.
type walker struct{ rest []byte }

// take passes over space and then over a byte of structure, and reports whether it was there.
func (w *walker) take(want byte) bool {
	w.space()
	if len(w.rest) == 0 || w.rest[0] != want {
		return false
	}
	w.rest = w.rest[1:]
	return true
}

func (w *walker) space() {
	for len(w.rest) > 0 && isSpace(w.rest[0]) {
		w.rest = w.rest[1:]
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// value passes over a value and returns it. It is not empty where ok.
func (w *walker) value() (value []byte, ok bool) {
	w.space()
	end := 0
	switch {
	case len(w.rest) == 0:
		return nil, false
	case w.rest[0] == '"':
		end = stringEnd(w.rest)
	case w.rest[0] == '{' || w.rest[0] == '[':
		end = nestedEnd(w.rest)
	default:
		end = wordEnd(w.rest)
	}
	if end == 0 {
		return nil, false
	}
	value, w.rest = w.rest[:end:end], w.rest[end:]
	return value, true
}

// stringEnd returns where the string ends that data begins with; 0 where it does not.
func stringEnd(data []byte) int {
	for at := 1; ; {
		next := bytes.IndexByte(data[at:], '"')
		if next < 0 {
			return 0
		}
		at += next + 1
		if !isEscaped(data[1 : at-1]) {
			return at
		}
	}
}

// isEscaped reports whether what follows a text is escaped: an odd number of backslashes ends it.
func isEscaped(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// nestedEnd returns where the object or array ends that data begins with; 0 where it does not.
func nestedEnd(data []byte) int {
	for at, depth := 0, 0; at < len(data); {
		switch data[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"':
			length := stringEnd(data[at:])
			if length == 0 {
				return 0
			}
			at += length
			continue
		}
		at++
	}
	return 0
}

// wordEnd returns where the number or word ends that data begins with.
func wordEnd(data []byte) int {
	for at, c := range data {
		if c == ',' || c == '}' || c == ']' || c == ':' || isSpace(c) {
			return at
		}
	}
	return len(data)
}
