package ingest

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxDepth bounds the nesting of JSON: beyond it the input is an attack or a mistake.
const maxDepth = 64

// roomMembers is how many members of an object fit on the stack.
const roomMembers = 24

// kind is the type of a JSON value.
type kind uint8

const (
	kindNull kind = iota + 1
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

var kindTexts = [...]string{"", "null", "a boolean", "a number", "a string", "an array", "an object"}

func (k kind) String() string { return kindTexts[k] }

// member is one member of an object, or one element of an array (then without a name).
type member struct {
	name []byte // unescaped, not quoted
	raw  []byte // the value as it came, valid JSON without space around it
	kind kind
}

// scanner checks JSON in a single pass and strictly (RFC 8259); it does not look at UTF-8,
// which the caller has checked.
type scanner struct {
	data []byte
	pos  int
}

// scanObject checks that data is one JSON object and appends its members.
func scanObject(data []byte, into []member) ([]member, error) {
	s := scanner{data: data}
	s.space()
	if s.peek() != '{' {
		return into, s.fail("a JSON object")
	}
	into, err := s.object(1, into, true)
	if err != nil {
		return into, err
	}
	return into, s.end()
}

// scanArray checks that data is one JSON array and appends its elements, whose nesting is
// counted from each element. On an error the result has the elements before the bad one.
func scanArray(data []byte, into []member) ([]member, error) {
	s := scanner{data: data}
	s.space()
	if s.peek() != '[' {
		return into, s.fail("a JSON array")
	}
	into, err := s.array(0, into, true)
	if err != nil {
		return into, err
	}
	return into, s.end()
}

// scanValue checks that data is one JSON value.
func scanValue(data []byte) (member, error) {
	s := scanner{data: data}
	s.space()
	m, err := s.value(0)
	if err != nil {
		return member{}, err
	}
	return m, s.end()
}

func (s *scanner) end() error {
	s.space()
	if s.pos < len(s.data) {
		return s.fail("nothing after the JSON value")
	}
	return nil
}

// fail reports that the input goes wrong at the present place.
func (s *scanner) fail(want string) error {
	if s.pos >= len(s.data) {
		return &fieldError{problem: fmt.Sprintf("broken JSON: it ends at byte %d", len(s.data)), want: want}
	}
	end := min(s.pos+12, len(s.data))
	near := bytes.ToValidUTF8(s.data[s.pos:end], []byte("?"))
	return &fieldError{
		problem: "broken JSON at byte " + strconv.Itoa(s.pos) + ", near " + quote(string(near)),
		want:    want,
	}
}

// peek returns the present byte, or 0 at the end (which is no JSON either).
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value reads one value; depth is the nesting around it.
func (s *scanner) value(depth int) (member, error) {
	start := s.pos
	k, err := s.skip(depth)
	if err != nil {
		return member{}, err
	}
	return member{raw: s.data[start:s.pos:s.pos], kind: k}, nil
}

func (s *scanner) skip(depth int) (kind, error) {
	switch c := s.peek(); c {
	case '"':
		_, err := s.text()
		return kindString, err
	case '{':
		_, err := s.object(depth+1, nil, false)
		return kindObject, err
	case '[':
		_, err := s.array(depth+1, nil, false)
		return kindArray, err
	case 't':
		return kindBool, s.word("true")
	case 'f':
		return kindBool, s.word("false")
	case 'n':
		return kindNull, s.word("null")
	default:
		if c == '-' || isDigit(c) {
			return kindNumber, s.number()
		}
		return 0, s.fail("a JSON value")
	}
}

// object reads an object at the given depth; with keep it appends the members.
func (s *scanner) object(depth int, into []member, keep bool) ([]member, error) {
	if depth > maxDepth {
		return into, tooDeep()
	}
	s.pos++
	s.space()
	if s.peek() == '}' {
		s.pos++
		return into, nil
	}
	for {
		if s.peek() != '"' {
			return into, s.fail("a member name in quotes")
		}
		name, err := s.text()
		if err != nil {
			return into, err
		}
		s.space()
		if s.peek() != ':' {
			return into, s.fail(`":" after the member name`)
		}
		s.pos++
		s.space()
		m, err := s.value(depth)
		if err != nil {
			return into, err
		}
		if keep {
			m.name = unescape(name)
			into = append(into, m)
		}
		if done, err := s.next('}', `"," or "}"`); err != nil || done {
			return into, err
		}
	}
}

// array reads an array at the given depth; with keep it appends the elements.
func (s *scanner) array(depth int, into []member, keep bool) ([]member, error) {
	if depth > maxDepth {
		return into, tooDeep()
	}
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return into, nil
	}
	for {
		m, err := s.value(depth)
		if err != nil {
			return into, err
		}
		if keep {
			into = append(into, m)
		}
		if done, err := s.next(']', `"," or "]"`); err != nil || done {
			return into, err
		}
	}
}

// next reads what stands after a member or element: a comma, or the closing bracket.
func (s *scanner) next(closing byte, want string) (done bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		s.space()
		return false, nil
	case closing:
		s.pos++
		return true, nil
	default:
		return false, s.fail(want)
	}
}

func tooDeep() error {
	return &fieldError{
		problem: fmt.Sprintf("JSON is nested more than %d deep", maxDepth),
		want:    "a flatter object",
	}
}
