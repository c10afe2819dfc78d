package ingest

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// cloudEvent is a CloudEvent of either mode before it is judged.
type cloudEvent struct {
	version, id, source, kind string
	subject, when, schema     string
	dataType                  string // datacontenttype; may be empty
	extensions                []attribute
	data                      member // JSON data; kind 0 where there is none
	bytes                     []byte // data that is not JSON, where hasBytes
	hasBytes                  bool
}

// isCloudEvent reports whether an object calls itself a CloudEvent.
func isCloudEvent(members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool { return string(m.name) == "specversion" })
}

// set assigns one attribute.
func (e *cloudEvent) set(name, text string) {
	switch name {
	case "specversion":
		e.version = text
	case "id":
		e.id = text
	case "source":
		e.source = text
	case "type":
		e.kind = text
	case "subject":
		e.subject = text
	case "time":
		e.when = text
	case "dataschema":
		e.schema = text
	case "datacontenttype":
		e.dataType = text
	default:
		e.extensions = append(e.extensions, attribute{name: name, text: text})
	}
}

// structured reads a CloudEvent in the JSON format.
func (d *Decoder) structured(members []member, o *origin) (Item, error) {
	var e cloudEvent
	var base64Data *member
	for i := range members {
		m := &members[i]
		switch name := string(m.name); {
		case m.kind == kindNull: // JSON null means that the attribute is not there.
		case name == "data":
			e.data = *m
		case name == "data_base64":
			base64Data = m
		case name == "specversion" && m.kind != kindString:
			return Item{}, badVersion(string(m.raw))
		default:
			text, ok := m.scalar()
			if !ok {
				return Item{}, &fieldError{field: name, problem: "is " + m.kind.String(), want: "a string, number or boolean: it is a CloudEvents attribute"}
			}
			e.set(name, text)
		}
	}
	if base64Data != nil {
		if err := e.decodeBase64(base64Data); err != nil {
			return Item{}, err
		}
	}
	return d.cloudEvent(&e, o)
}

func (e *cloudEvent) decodeBase64(m *member) error {
	if e.data.kind != 0 {
		return &fieldError{field: "data_base64", problem: "stands beside data", want: "one of the two"}
	}
	decoded, err := base64.StdEncoding.DecodeString(m.text())
	if m.kind != kindString || err != nil {
		return &fieldError{field: "data_base64", problem: "is no base64 text"}
	}
	e.bytes, e.hasBytes = decoded, true
	return nil
}

// binary reads a CloudEvent whose attributes are headers.
func (d *Decoder) binary(h *header, data []byte, o *origin) (Item, error) {
	if err := h.check(); err != nil {
		return Item{}, err
	}
	var e cloudEvent
	for _, a := range h.attributes {
		e.set(a.name, a.text)
	}
	if e.dataType == "" {
		e.dataType = h.contentType
	}
	e.bytes, e.hasBytes = data, len(data) > 0
	return d.cloudEvent(&e, o)
}

// cloudEvent judges a CloudEvent and makes it a signal.
func (d *Decoder) cloudEvent(e *cloudEvent, o *origin) (Item, error) {
	s := draft{}
	if err := e.validate(&s); err != nil {
		return Item{}, err
	}
	if err := s.attributes(e); err != nil {
		return Item{}, err
	}
	if err := s.eventData(e, o); err != nil {
		return Item{}, err
	}
	return d.finish(&s, o)
}

// validate applies the rules of CloudEvents 1.0 as its SDK states them.
func (e *cloudEvent) validate(s *draft) error {
	if e.version != event.CloudEventsVersionV1 {
		return badVersion(quote(e.version))
	}
	attributes := event.EventContextV1{ID: e.id, Type: e.kind}
	if e.source != "" {
		source := types.ParseURIRef(e.source)
		if source == nil {
			return &fieldError{field: "source", problem: quote(e.source) + " is no URI reference"}
		}
		attributes.Source = *source
	}
	if e.subject != "" {
		attributes.Subject = &e.subject
	}
	if e.dataType != "" {
		attributes.DataContentType = &e.dataType
	}
	if e.schema != "" {
		schema := types.ParseURI(e.schema)
		if schema == nil {
			return &fieldError{field: "dataschema", problem: quote(e.schema) + " is no URI"}
		}
		attributes.DataSchema = schema
	}
	if e.when != "" {
		when, err := types.ParseTime(e.when)
		if err != nil {
			return &fieldError{field: "time", problem: quote(e.when) + " is no RFC 3339 time", want: `a time such as "2014-07-01T00:00:00Z"`}
		}
		attributes.Time = &types.Timestamp{Time: when}
		s.Time = when.UTC()
		if err := checkTime("time", s.Time); err != nil {
			return err
		}
	}
	return firstProblem(attributes.Validate())
}

// firstProblem makes the SDK's findings one error, in the order of the attributes' names.
func firstProblem(problems event.ValidationError) error {
	if len(problems) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(problems))
	parts := []string{problems[names[0]].Error()}
	for _, name := range names[1:] {
		parts = append(parts, name+": "+problems[name].Error())
	}
	return &fieldError{field: names[0], problem: strings.Join(parts, "; "), want: "a valid CloudEvent 1.0"}
}

func badVersion(text string) error {
	return &fieldError{field: "specversion", problem: text + " is not supported", want: `"1.0"`}
}

// attributes takes over identity, severity, trace and labels.
func (s *draft) attributes(e *cloudEvent) error {
	for _, part := range [...]struct {
		name, text string
		limit      int
		into       *string
	}{
		{"id", e.id, maxIDBytes, &s.ID},
		{"source", e.source, maxSourceBytes, &s.Source},
		{"type", e.kind, maxTypeBytes, &s.Type},
		{"subject", e.subject, maxKeyBytes, &s.Key},
	} {
		if err := checkName(part.name, part.text, part.limit); err != nil {
			return err
		}
		*part.into = part.text
	}
	for _, a := range e.extensions {
		switch strings.ToLower(a.name) {
		case "traceparent":
			s.trace = a.text
		case "severity", "severitytext", "severitynumber", "level":
			s.stateSeverity(a.text)
		case "":
		default:
			s.setLabel(a.name, a.text)
		}
		if len(s.Labels) > maxLabels {
			break
		}
	}
	return checkLabels(s.Labels)
}
