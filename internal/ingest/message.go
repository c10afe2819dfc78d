package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Message is one message from NATS: exactly one signal.
type Message struct {
	Subject string // hal9.signals.<source>
	Header  map[string][]string
	Data    []byte
	Seq     uint64    // sequence in the stream
	Stored  time.Time // when JetStream stored it
}

// Message decodes one message from NATS. The item keeps parts of m.Data, which must not
// change afterwards. An error means a dead letter; its text is the reason, for a person.
func (d *Decoder) Message(m Message) (Item, error) {
	if err := d.checkSize(len(m.Data)); err != nil {
		return Item{}, err
	}
	h := readHeader(m.Header)
	o := origin{
		source: subjectSource(m.Subject),
		time:   m.Stored,
		trace:  h.trace,
		id:     h.messageID,
		stored: true,
		seq:    m.Seq,
	}
	h.again.change(&o)
	mediaType, _, _ := strings.Cut(strings.ToLower(h.contentType), ";")
	switch mediaType = strings.TrimSpace(mediaType); {
	case strings.HasPrefix(mediaType, cloudEventType):
		return d.cloudEventMessage(mediaType, m.Data, &o)
	case h.isCloudEvent():
		return d.binary(&h, m.Data, &o)
	case mediaType == "text/plain":
		return d.line(clean(m.Data), &o)
	default:
		return d.payload(m.Data, &o)
	}
}

// FallbackID is the id by which a message is reported that gives no id of its own, or
// cannot be decoded: that of a redriven signal, else its Nats-Msg-Id, else one made from its
// place in the stream and its store time, which is the same at every delivery.
func (d *Decoder) FallbackID(m Message) string {
	h := readHeader(m.Header)
	switch {
	case h.again.newID() != "":
		return h.again.newID()
	case h.messageID != "":
		return h.messageID
	default:
		return storedID(m.Stored, m.Seq)
	}
}

// storedID is "<store time in nanoseconds, base 36>-<sequence>".
func storedID(stored time.Time, seq uint64) string {
	room := make([]byte, 0, 36)
	room = strconv.AppendInt(room, stored.UnixNano(), 36)
	return string(strconv.AppendUint(append(room, '-'), seq, 10))
}

func (d *Decoder) checkSize(n int) error {
	if n <= d.maxBytes {
		return nil
	}
	return &fieldError{
		problem: fmt.Sprintf("too large: %d bytes", n),
		want:    fmt.Sprintf("at most %d", d.maxBytes),
	}
}

// cloudEventMessage reads a message whose content type says CloudEvents.
func (d *Decoder) cloudEventMessage(mediaType string, data []byte, o *origin) (Item, error) {
	switch mediaType {
	case cloudEventType, cloudEventType + "+json":
		return d.eventObject(data, o)
	case cloudEventBatchType + "+json":
		return Item{}, &fieldError{
			problem: "a CloudEvents batch is several signals",
			want:    "them published one by one, or the batch POSTed to /v1/signals",
		}
	default:
		return Item{}, &fieldError{problem: "content type " + quote(mediaType) + " is not supported", want: cloudEventType + "+json"}
	}
}

// eventObject reads a JSON object that must be a CloudEvent.
func (d *Decoder) eventObject(data []byte, o *origin) (Item, error) {
	data = clean(data)
	if len(data) == 0 {
		return Item{}, errEmpty()
	}
	if err := checkUTF8(data); err != nil {
		return Item{}, err
	}
	var room [roomMembers]member
	members, err := scanObject(data, room[:0])
	if err != nil {
		return Item{}, err
	}
	if !isCloudEvent(members) {
		return Item{}, &fieldError{field: "specversion", problem: "is missing", want: `"1.0": the content type says CloudEvents`}
	}
	return d.structured(members, o)
}

// payload reads bytes that say nothing about themselves.
func (d *Decoder) payload(data []byte, o *origin) (Item, error) {
	data = clean(data)
	if len(data) == 0 {
		return Item{}, errEmpty()
	}
	if err := checkUTF8(data); err != nil {
		return Item{}, err
	}
	switch data[0] {
	case '{':
		return d.object(data, o)
	case '[':
		if err := notArray(data); err != nil {
			return Item{}, err
		}
	case '"':
		if m, err := scanValue(data); err == nil {
			return d.line(clean([]byte(m.text())), o)
		}
	case 't', 'f', 'n':
		if m, err := scanValue(data); err == nil {
			return Item{}, &fieldError{problem: "the JSON value " + string(m.raw) + " is no signal", want: "text, a number or a JSON object"}
		}
	}
	return d.line(data, o)
}

// notArray tells a JSON array, whole or broken, from a line that starts with a bracket
// such as "[warn] disk full" or "[2014-07-01 00:00:00] started".
func notArray(data []byte) error {
	_, err := scanArray(data, nil)
	if err == nil {
		return &fieldError{
			problem: "a JSON array is several signals",
			want:    "them published one by one, or the array POSTed to /v1/signals",
		}
	}
	inner := clean(data[1:])
	closing := strings.IndexByte(string(inner), ']')
	if closing < 0 || inner[0] == '{' || inner[0] == '[' || inner[0] == '"' {
		return err
	}
	return nil
}
