package ingest

import (
	"bytes"
	"math"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
)

// field is something that is recognised in a JSON object.
type field uint8

const (
	fieldNone field = iota // a name that means nothing to HAL9
	fieldID
	fieldSource
	fieldType
	fieldKey
	fieldTime
	fieldSeverity
	fieldText
	fieldValue
	fieldLabels
	fieldTrace
	fieldHint        // names the entity where nothing else does
	fieldInvolved    // Kubernetes: what the event is about
	fieldMetadata    // Kubernetes
	fieldReason      // Kubernetes
	fieldEventTime   // Kubernetes
	fieldAnnotations // Alertmanager
	fieldStartsAt    // Alertmanager
	fieldEndsAt      // Alertmanager
	fieldStatus      // Alertmanager, and alerts of other shapes
	fieldAlerts      // Alertmanager: several alerts
	fieldClue        // where an alert of another shape may tell its state
	fieldMoment      // a time where none of fieldTime tells it
	fieldInTrace     // the object may be a span
	fieldCount
)

// place says which field a name means and which of several names goes first (the lowest).
type place struct {
	field field
	rank  uint8
}

// hintNames are the names of fields and labels that tell the entity, in this order.
var hintNames = [...]string{
	"host", "hostname", "instance", "service", "service.name", "service_name", "servicename", "pod", "pod_name", "podname", "node",
	"device", "device_id", "sensor", "container", "container_name", "app", "job",
}

// places knows all recognised names in lower case.
var places = func() map[string]place {
	known := map[string]place{}
	for f, names := range map[field][]string{
		fieldID:          {"id"},
		fieldSource:      {"source"},
		fieldType:        {"type"},
		fieldKey:         {"key", "subject"},
		fieldTime:        {"time", "timestamp", "@timestamp", "ts"},
		fieldSeverity:    {"severity", "level", "severity_text", "severitytext", "severity_number", "severitynumber", "loglevel", "log.level", "lvl"},
		fieldText:        {"message", "msg", "text", "log", "note"},
		fieldValue:       {"value"},
		fieldLabels:      {"labels"},
		fieldTrace:       {"traceparent"},
		fieldHint:        hintNames[:],
		fieldInvolved:    {"involvedobject", "regarding"},
		fieldMetadata:    {"metadata"},
		fieldReason:      {"reason"},
		fieldEventTime:   {"lasttimestamp", "eventtime", "firsttimestamp", "deprecatedlasttimestamp"},
		fieldAnnotations: {"annotations"},
		fieldStartsAt:    {"startsat"},
		fieldEndsAt:      {"endsat"},
		fieldStatus:      {"status", "state"},
		fieldMoment: {
			"datetime", "date_time", "event_time", "timeunixnano", "time_unix_nano", "observedtimeunixnano", "observed_timestamp", "occurred_at", "occurredat",
			"collected_at", "sampled_at", "measured_at", "unixtime", "unix_time", "epoch", "event_timestamp", "eventtimestamp",
			"statechangetime", "timet", "clock", "log_time", "logtime", "asctime", "__realtime_timestamp", "date",
		},
		fieldInTrace: {"traceid", "trace_id", "trace.id", "trace", "resourcespans", "resource_spans"},
		fieldAlerts:  {"alerts"},
		fieldClue: {
			"newstatevalue", "monitorcondition", "event_action", "alert_transition", "alerttransition", "alert_state", "alertstate", "alarm_state", "alarmstate",
			"notificationtype", "notification_type", "current_state", "currentstate", "servicestate", "service_state", "hoststate", "host_state",
			"message_type", "messagetype", "event_value", "alert", "alarm", "incident", "check", "heartbeat", "schemaid", "detail-type", "topicarn",
			"event", "condition", "action", "transition",
		},
	} {
		for rank, name := range names {
			known[name] = place{field: f, rank: uint8(rank)}
		}
	}
	return known
}()

// maxFieldName is longer than any recognised name.
const maxFieldName = 24

// placeOf finds a member's field, whatever the case of its name.
func placeOf(name []byte) place {
	var room [maxFieldName]byte
	if len(name) > len(room) {
		return place{}
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		room[i] = c
	}
	return places[string(room[:len(name)])]
}

// picked holds, for each field, the member that is used for it: of the members whose
// value the field can use, the one whose name goes first.
type picked struct {
	members []member
	best    [fieldCount]int32 // index of the member plus one; 0 where there is none
	rank    [fieldCount]uint8
	odd     [fieldCount]int32 // a member of that name whose value cannot be used
}

// pick assigns an object's members to fields. A later member of the same name replaces an
// earlier one, as in encoding/json.
func pick(members []member) (p picked) {
	p.members = members
	for i := range members {
		at := placeOf(members[i].name)
		if at.field == fieldNone || members[i].kind == kindNull || string(members[i].raw) == `""` {
			continue
		}
		if !members[i].fits(at.field) {
			p.odd[at.field] = int32(i) + 1
			continue
		}
		if p.best[at.field] == 0 || at.rank <= p.rank[at.field] {
			p.best[at.field], p.rank[at.field] = int32(i)+1, at.rank
		}
	}
	return p
}

// get returns the member for a field; ok is false where there is none.
func (p *picked) get(f field) (m *member, ok bool) {
	if i := p.best[f]; i > 0 {
		return &p.members[i-1], true
	}
	return nil, false
}

// strange returns a member that has the field's name and no usable value, where the field
// has no usable member at all.
func (p *picked) strange(f field) (m *member, ok bool) {
	if i := p.odd[f]; i > 0 && p.best[f] == 0 {
		return &p.members[i-1], true
	}
	return nil, false
}

// fits reports whether the field can use the member's value.
func (m *member) fits(f field) bool {
	switch f {
	case fieldID, fieldTime, fieldKey:
		return m.kind == kindString || m.kind == kindNumber
	case fieldHint:
		return m.isShort()
	case fieldMoment:
		_, ok := momentOf(m.text())
		return ok
	case fieldInTrace:
		return true
	case fieldSeverity:
		_, ok := m.severity()
		return ok
	case fieldValue:
		return m.kind == kindNumber || (m.kind == kindString && isFiniteNumber(m.raw[1:len(m.raw)-1]))
	case fieldLabels, fieldAnnotations, fieldInvolved, fieldMetadata:
		return m.kind == kindObject
	case fieldAlerts:
		return m.kind == kindArray
	case fieldClue:
		return m.isClue()
	default:
		return m.kind == kindString
	}
}

// severity reads a word or an OpenTelemetry number.
func (m *member) severity() (layers.Severity, bool) {
	text := m.text()
	if text == "" {
		return layers.SeverityUnset, false
	}
	s, err := layers.ParseSeverity(text)
	return s, err == nil
}

// text returns a string's text or a number as it is written, and "" for other kinds.
func (m *member) text() string {
	switch m.kind {
	case kindString:
		return unquote(m.raw)
	case kindNumber:
		return string(m.raw)
	default:
		return ""
	}
}

// isSentence reports whether a text is a line for people, such as the subject of a mail: no entity is called so.
func (m *member) isSentence() bool {
	return bytes.EqualFold(m.name, []byte("subject")) && bytes.Count(m.raw, []byte{' '}) >= 2
}

// isShort reports whether shortText is not empty.
func (m *member) isShort() bool {
	if m.kind == kindNumber {
		return len(m.raw) <= maxKeyBytes
	}
	if m.kind != kindString || bytes.IndexByte(m.raw, '\\') >= 0 {
		return m.shortText() != ""
	}
	return len(m.raw) > len(`""`) && len(m.raw) <= maxKeyBytes+len(`""`) && bytes.IndexByte(m.raw, 0x7f) < 0
}

// shortText is text where that can be a key, and "" elsewhere.
func (m *member) shortText() string {
	if len(m.raw) > 6*maxKeyBytes+2 { // An escape takes up to six bytes.
		return ""
	}
	text := m.text()
	if checkName("", text, maxKeyBytes) != nil {
		return ""
	}
	return text
}

// number reads a value that fits fieldValue.
func (m *member) number() (float64, error) {
	text := m.raw
	if m.kind == kindString {
		text = text[1 : len(text)-1]
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(value, 0) {
		return 0, &fieldError{
			field:   string(m.name),
			problem: quote(string(text)) + " is beyond a float64",
			want:    "a finite number",
		}
	}
	return value, nil
}
