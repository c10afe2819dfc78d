package ingest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// eventData reads a CloudEvent's data. JSON is kept as data, and what it says is
// recognised; text becomes the message; anything else is kept as a JSON string, in base64
// where it is no text.
func (s *draft) eventData(e *cloudEvent, o *origin) error {
	mediaType, _, _ := strings.Cut(strings.ToLower(e.dataType), ";")
	mediaType = strings.TrimSpace(mediaType)
	switch {
	case e.hasBytes && isJSONType(mediaType):
		return s.jsonBytes(e.bytes, o)
	case e.hasBytes && mediaType == "" && utf8.Valid(e.bytes):
		if m, err := scanValue(e.bytes); err == nil && m.kind == kindObject {
			return s.jsonData(&m, o)
		}
		s.eventText(string(e.bytes))
	case e.hasBytes && utf8.Valid(e.bytes):
		s.textData(mediaType, string(e.bytes))
	case e.hasBytes:
		s.Data = encodeBase64(e.bytes)
	case e.data.kind == kindString && mediaType != "" && !isJSONType(mediaType):
		s.textData(mediaType, e.data.text())
	case e.data.kind != 0:
		return s.jsonData(&e.data, o)
	}
	return nil
}

// isJSONType reports whether data of this media type is JSON.
func isJSONType(mediaType string) bool {
	return strings.HasSuffix(mediaType, "/json") || strings.HasSuffix(mediaType, "+json")
}

// jsonBytes reads data that calls itself JSON.
func (s *draft) jsonBytes(data []byte, o *origin) error {
	data = clean(data)
	m, err := scanValue(data)
	if err == nil {
		err = checkUTF8(data)
	}
	if err != nil {
		inner := itemError(0, err)
		return &fieldError{field: "data", problem: inner.Problem, want: inner.Want}
	}
	return s.jsonData(&m, o)
}

// jsonData reads JSON data: what an object says, a string as text, a number as value.
func (s *draft) jsonData(m *member, o *origin) error {
	if m.kind == kindNull {
		return nil
	}
	s.Data = json.RawMessage(m.raw)
	switch m.kind {
	case kindObject:
		return s.objectData(m.raw, o)
	case kindString:
		s.Text = m.text()
	case kindNumber:
		value, err := (&member{name: []byte("data"), raw: m.raw, kind: kindNumber}).number()
		if err != nil {
			return err
		}
		s.Value, s.HasValue = value, true
	}
	return nil
}

// objectData recognises what the data says; the event's own attributes and extensions win.
func (s *draft) objectData(data []byte, o *origin) error {
	var room [roomMembers]member
	members, err := scanObject(data, room[:0])
	if err != nil {
		return err
	}
	own, severity := s.Labels, s.Severity
	s.Labels, s.Severity = nil, layers.SeverityUnset
	p := pick(members)
	if err := s.content(&p, o.time); err != nil {
		return err
	}
	if len(own) > 0 && s.Labels != nil {
		maps.Copy(s.Labels, own)
	} else if s.Labels == nil {
		s.Labels = own
	}
	if severity != layers.SeverityUnset {
		s.Severity = severity
	}
	return nil
}

// textData keeps text: as the message where it is meant for people, else as a JSON string.
func (s *draft) textData(mediaType, text string) {
	if strings.HasPrefix(mediaType, "text/") {
		s.eventText(text)
		return
	}
	s.Data = appendString(nil, text)
}

func (s *draft) eventText(text string) {
	s.Text = strings.TrimSpace(text)
	if s.Severity == layers.SeverityUnset {
		s.Severity = lineSeverity(s.Text)
	}
}

func encodeBase64(data []byte) json.RawMessage {
	b := make([]byte, 0, base64.StdEncoding.EncodedLen(len(data))+2)
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, '"')
}
