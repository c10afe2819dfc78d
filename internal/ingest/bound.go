package ingest

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of a signal's parts, in bytes where nothing else is said. They keep identities
// short enough for message ids and caches, and labels for expressions.
const (
	maxIDBytes         = 256
	maxSourceBytes     = 512
	maxTypeBytes       = 256
	maxKeyBytes        = 512
	maxLabels          = 64 // labels per signal
	maxLabelNameBytes  = 256
	maxLabelValueBytes = 4096
)

// The years in which a signal may have happened: outside them a clock or a unit is wrong.
const (
	minYear = 1970
	maxYear = 2200
)

// check verifies what the package promises about every signal.
func (d *Decoder) check(s *layers.Signal) error {
	for _, part := range [...]struct {
		field, text string
		limit       int
	}{
		{"id", s.ID, maxIDBytes},
		{"source", s.Source, maxSourceBytes},
		{"type", s.Type, maxTypeBytes},
		{"subject", s.Key, maxKeyBytes},
	} {
		if err := checkName(part.field, part.text, part.limit); err != nil {
			return err
		}
	}
	if err := checkTime("time", s.Time); err != nil {
		return err
	}
	if s.HasValue && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0)) {
		return &fieldError{field: "value", problem: "is not finite", want: "a finite number"}
	}
	return checkLabels(s.Labels)
}

// checkName verifies a short text that becomes part of identities and headers.
func checkName(field, text string, limit int) error {
	if len(text) > limit {
		return tooLong(field, len(text), limit)
	}
	if !utf8.ValidString(text) {
		return &fieldError{field: field, problem: "is no valid UTF-8"}
	}
	if hasControl(text) {
		return &fieldError{field: field, problem: quote(text) + " has control characters", want: "printable text"}
	}
	return nil
}

func hasControl(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == 0x7f {
			return true
		}
	}
	return false
}

func checkTime(field string, t time.Time) error {
	if year := t.Year(); year < minYear || year > maxYear {
		return &fieldError{
			field:   field,
			problem: fmt.Sprintf("the year %d is out of range", year),
			want:    fmt.Sprintf("%d to %d", minYear, maxYear),
		}
	}
	return nil
}

func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return &fieldError{
			field:   "labels",
			problem: fmt.Sprintf("%d labels", len(labels)),
			want:    fmt.Sprintf("at most %d", maxLabels),
		}
	}
	// The smallest offending name is reported, so that map order does not reach the message.
	worst, bad := "", false
	for name, value := range labels {
		if (len(name) > maxLabelNameBytes || len(value) > maxLabelValueBytes) && (!bad || name < worst) {
			worst, bad = name, true
		}
	}
	switch {
	case !bad:
		return nil
	case len(worst) > maxLabelNameBytes:
		return &fieldError{
			field:   "labels",
			problem: fmt.Sprintf("the name %s has %d bytes", quote(worst), len(worst)),
			want:    fmt.Sprintf("at most %d", maxLabelNameBytes),
		}
	default:
		return tooLong("labels."+worst, len(labels[worst]), maxLabelValueBytes)
	}
}

func tooLong(field string, n, limit int) error {
	return &fieldError{field: field, problem: fmt.Sprintf("has %d bytes", n), want: fmt.Sprintf("at most %d", limit)}
}

// size is what the signal weighs in memory.
func size(s *layers.Signal) int {
	n := len(s.ID) + len(s.Source) + len(s.Type) + len(s.Key) + len(s.Text) + len(s.Data)
	for name, value := range s.Labels {
		n += len(name) + len(value)
	}
	return n
}
