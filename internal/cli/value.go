package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// values cuts JSON that does not keep to lines into its values: the elements of top-level
// arrays, and values that follow each other. It only finds where values end; what is wrong
// inside them is found by who decodes them.
type values struct {
	in      *bufio.Reader
	number  int
	read    int64
	inArray bool
}

func (v *values) next() (entry, error) {
	first, err := v.begin()
	if err != nil {
		return v.atEnd(err)
	}
	v.number++
	e := entry{number: v.number}
	w := walker{}
	tooLong := false
	for c := first; ; {
		if tooLong = tooLong || len(e.text) >= maxEntry; !tooLong {
			e.text = append(e.text, c)
		}
		if w.step(c); w.done {
			break
		}
		if c, err = v.in.ReadByte(); errors.Is(err, io.EOF) {
			break // What is missing is for the decoder to tell.
		} else if err != nil {
			return entry{}, fmt.Errorf("cli: read: %w", err)
		}
		if w.endsBefore(c) {
			_ = v.in.UnreadByte() // It was read a line above.
			break
		}
		v.read++
	}
	e.end = v.read
	if tooLong {
		e.text, e.bad = nil, errTooLong("value")
	}
	return e, nil
}

// begin skips what stands between values and returns the first byte of the next one.
func (v *values) begin() (byte, error) {
	for {
		c, err := v.in.ReadByte()
		if err != nil {
			return 0, err
		}
		v.read++
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',':
		case c == '[' && !v.inArray:
			v.inArray = true
		case c == ']' && v.inArray:
			v.inArray = false
		default:
			return c, nil
		}
	}
}

func (v *values) atEnd(err error) (entry, error) {
	if !errors.Is(err, io.EOF) {
		return entry{}, fmt.Errorf("cli: read: %w", err)
	}
	if !v.inArray {
		return entry{}, io.EOF
	}
	v.inArray = false
	v.number++
	return entry{number: v.number, end: v.read, bad: errors.New("the array does not end: is the file cut off?")}, nil
}

// walker follows one JSON value.
type walker struct {
	depth    int
	inString bool
	escaped  bool
	scalar   bool // a number or a word, which ends before what follows it
	begun    bool
	done     bool
}

func (w *walker) step(c byte) {
	first := !w.begun
	w.begun = true
	switch {
	case w.escaped:
		w.escaped = false
	case w.inString:
		w.escaped = c == '\\'
		w.inString = c != '"'
		w.done = !w.inString && w.depth == 0
	case c == '"':
		w.inString = true
	case c == '{' || c == '[':
		w.depth++
	case c == '}' || c == ']':
		w.depth--
		w.done = w.depth <= 0
	default:
		w.scalar = w.scalar || first
	}
}

// endsBefore reports whether c, which was not stepped over yet, is behind the value.
func (w *walker) endsBefore(c byte) bool {
	if !w.scalar {
		return false
	}
	switch c {
	case ' ', '\t', '\r', '\n', ',', ']', '[', '{', '}', '"':
		return true
	default:
		return false
	}
}
