package ingest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fieldError says what is wrong with one signal.
type fieldError struct {
	field   string // as the sender named it; empty where the signal as a whole is wrong
	problem string
	want    string // may be empty
}

func (e *fieldError) Error() string { return "ingest: " + e.describe() }

func (e *fieldError) describe() string {
	text := e.problem
	if e.field != "" {
		text = "field " + quote(e.field) + ": " + text
	}
	if e.want != "" {
		text += "; want " + e.want
	}
	return text
}

// named says which field err is about.
func named(err error, field []byte) error {
	if e, ok := errors.AsType[*fieldError](err); ok {
		e.field = string(field)
	}
	return err
}

// ItemError says what is wrong with one signal of an HTTP body.
type ItemError struct {
	Index   int    `json:"index"`           // position in the body, counted from 0
	Field   string `json:"field,omitempty"` // as the sender named it; empty where the item as a whole is wrong
	Problem string `json:"problem"`
	Want    string `json:"want,omitempty"`
}

// Error reads like: signal 3: field "time": "yesterday" is no RFC 3339 time; want ….
func (e *ItemError) Error() string {
	inner := fieldError{field: e.Field, problem: e.Problem, want: e.Want}
	return "signal " + strconv.Itoa(e.Index) + ": " + inner.describe()
}

// ItemErrors are all the bad signals of a body, in order. Nothing of such a body is
// accepted.
type ItemErrors []*ItemError

// itemErrorsShown bounds the text: a body may have thousands of bad signals.
const itemErrorsShown = 20

// Error has one line per bad signal, the first twenty of them.
func (e ItemErrors) Error() string {
	var text strings.Builder
	for i, item := range e {
		if i == itemErrorsShown {
			fmt.Fprintf(&text, "\n… and %d more", len(e)-i)
			break
		}
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(item.Error())
	}
	return text.String()
}

// Unwrap gives errors.AsType the single errors.
func (e ItemErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, item := range e {
		all[i] = item
	}
	return all
}

// itemError gives err its place in the body.
func itemError(index int, err error) *ItemError {
	if e, ok := errors.AsType[*fieldError](err); ok {
		return &ItemError{Index: index, Field: e.field, Problem: e.problem, Want: e.want}
	}
	return &ItemError{Index: index, Problem: strings.TrimPrefix(err.Error(), "ingest: ")}
}

// quoteBytes bounds what an error repeats of the input.
const quoteBytes = 80

// quote returns text quoted and shortened, without control characters and line breaks.
func quote(text string) string {
	if len(text) <= quoteBytes {
		return strconv.Quote(text)
	}
	end := quoteBytes
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strconv.Quote(text[:end] + "…")
}
