package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// Encode writes HAL9's own JSON form of a signal:
//
//	{"id","source","type"?,"subject","time","severity"?,"labels"?,"value"?,"message"?,"data"}
//
// A decoder without source rules reads the same signal back from it: data is always
// written, null where there is none, and marks the form. The error names what cannot be
// written; signals that a Decoder gave have nothing of the kind.
func Encode(s *layers.Signal) ([]byte, error) {
	if err := encodable(s); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 192+size(s)+size(s)/8)
	b = appendString(append(b, `{"id":`...), s.ID)
	b = appendString(append(b, `,"source":`...), s.Source)
	if s.Type != "" {
		b = appendString(append(b, `,"type":`...), s.Type)
	}
	b = appendString(append(b, `,"subject":`...), s.Key)
	b = append(b, `,"time":"`...)
	b = s.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if s.Severity != layers.SeverityUnset {
		b = appendString(append(b, `,"severity":`...), s.Severity.String())
	}
	if len(s.Labels) > 0 {
		b = appendLabels(append(b, `,"labels":`...), s.Labels)
	}
	if s.HasValue {
		b = strconv.AppendFloat(append(b, `,"value":`...), s.Value, 'g', -1, 64)
	}
	if s.Text != "" {
		b = appendString(append(b, `,"message":`...), s.Text)
	}
	b = append(b, `,"data":`...)
	if s.Data == nil {
		b = append(b, "null"...)
	}
	return append(append(b, s.Data...), '}'), nil
}

func encodable(s *layers.Signal) error {
	for _, part := range [...]struct{ field, text string }{
		{"id", s.ID}, {"source", s.Source}, {"type", s.Type}, {"subject", s.Key}, {"message", s.Text},
	} {
		if part.text == "" && part.field != "type" && part.field != "message" {
			return &fieldError{field: part.field, problem: "is empty", want: "some text"}
		}
		if !utf8.ValidString(part.text) {
			return &fieldError{field: part.field, problem: "is no valid UTF-8"}
		}
	}
	for name, value := range s.Labels {
		if name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return &fieldError{field: "labels", problem: "a name is empty, or a name or value is no valid UTF-8"}
		}
	}
	if s.HasValue && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0)) {
		return &fieldError{field: "value", problem: "is not finite", want: "a finite number"}
	}
	if s.Severity > layers.SeverityCritical {
		return &fieldError{field: "severity", problem: fmt.Sprintf("%d is no severity", s.Severity)}
	}
	if s.Data != nil {
		if _, err := scanValue(s.Data); err != nil || !utf8.Valid(s.Data) {
			return &fieldError{field: "data", problem: "is no valid JSON"}
		}
	}
	return checkTime("time", s.Time.UTC())
}

func appendLabels(b []byte, labels map[string]string) []byte {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	separator := byte('{')
	for _, name := range names {
		b = appendString(append(b, separator), name)
		b = appendString(append(b, ':'), labels[name])
		separator = ','
	}
	return append(b, '}')
}

// appendString writes a JSON string. Unlike encoding/json it leaves <, > and & as they
// are: they are common in log lines and mean nothing here.
func appendString(b []byte, text string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(b, text[start:]...), '"')
}

// isOwnForm reports whether the object is what Encode writes: only its names, in its
// case, with its types, and nothing missing that is always there.
func isOwnForm(p *picked) bool {
	const id, source, subject, when, data = 1, 2, 4, 8, 16
	required := 0
	for i := range p.members {
		m := &p.members[i]
		want := kindString
		switch string(m.name) {
		case "id":
			required |= id
		case "source":
			required |= source
		case "subject":
			required |= subject
		case "time":
			required |= when
		case "data":
			required |= data
			want = m.kind
		case "type", "severity", "message":
		case "labels":
			want = kindObject
		case "value":
			want = kindNumber
		default:
			return false
		}
		if m.kind != want {
			return false
		}
	}
	return required == id|source|subject|when|data
}

// ownForm reads what Encode wrote. Nothing is guessed.
func (s *draft) ownForm(p *picked) error {
	if err := s.common(p); err != nil {
		return err
	}
	for i := range p.members {
		if m := &p.members[i]; string(m.name) == "data" && m.kind != kindNull {
			s.Data = json.RawMessage(m.raw)
		}
	}
	return s.identity(p)
}
