package ingest

import (
	"fmt"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// storedAt is the store time of test messages, nowAt the clock of test requests.
var (
	storedAt = time.Date(2024, 5, 19, 12, 0, 0, 7, time.UTC)
	nowAt    = time.Date(2024, 5, 19, 12, 30, 0, 0, time.UTC)
)

// storedAs is the id that a message with sequence 42 stored at storedAt is given.
const storedAs = "d1dlrod2neo7-42"

func newDecoder(tb testing.TB, rules ...SourceRule) *Decoder {
	tb.Helper()
	cfg := DefaultConfig()
	cfg.Sources = rules
	d, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func message(subject, data string, header map[string][]string) Message {
	return Message{Subject: subject, Header: header, Data: []byte(data), Seq: 42, Stored: storedAt}
}

func at(tb testing.TB, text string) time.Time {
	tb.Helper()
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		tb.Fatal(err)
	}
	return when.UTC()
}

// broken says which promise about every item an item breaks, or nil. It repeats the
// bounds in figures, so that a change of a bound is seen.
func broken(item *Item) error {
	s := &item.Signal
	for name, part := range map[string]struct {
		text     string
		min, max int
	}{
		"id": {s.ID, 1, 256}, "source": {s.Source, 1, 512}, "key": {s.Key, 1, 512}, "type": {s.Type, 0, 256},
	} {
		if n := len(part.text); n < part.min || n > part.max {
			return fmt.Errorf("%s has %d bytes", name, n)
		}
		if !utf8.ValidString(part.text) {
			return fmt.Errorf("%s %q is no UTF-8", name, part.text)
		}
		for _, r := range part.text {
			if r < ' ' || r == 0x7f {
				return fmt.Errorf("%s %q has control characters", name, part.text)
			}
		}
	}
	if year := s.Time.Year(); year < 1970 || year > 2200 || s.Time.Location() != time.UTC {
		return fmt.Errorf("time is %v", s.Time)
	}
	if s.Severity > layers.SeverityCritical {
		return fmt.Errorf("severity is %d", s.Severity)
	}
	if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || (!s.HasValue && s.Value != 0) {
		return fmt.Errorf("value is %v, has value %v", s.Value, s.HasValue)
	}
	if !utf8.ValidString(s.Text) {
		return fmt.Errorf("text %q is no UTF-8", s.Text)
	}
	if s.Labels != nil && (len(s.Labels) == 0 || len(s.Labels) > 64) {
		return fmt.Errorf("%d labels", len(s.Labels))
	}
	for name, value := range s.Labels {
		if name == "" || len(name) > 256 || len(value) > 4096 || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return fmt.Errorf("label %q=%q", name, value)
		}
	}
	if item.TraceParent != "" && !ValidTraceParent(item.TraceParent) {
		return fmt.Errorf("traceparent %q", item.TraceParent)
	}
	return brokenData(s)
}
