package ingest

import (
	"bytes"
	"errors"
	"time"
)

// httpSource is the source of signals from HTTP that name none.
const httpSource = "http"

// decode makes one signal of one part of a body.
type decode func(raw []byte, o *origin) (Item, error)

// Body decodes the body of POST /v1/signals. Signals without a time get now, signals
// without an id a new UUIDv7. The items keep parts of body, which must not change
// afterwards. Where signals are bad the error is an ItemErrors with all of them, and
// nothing of the body is accepted.
func (d *Decoder) Body(format Format, headers map[string][]string, body []byte, now time.Time) ([]Item, error) {
	h := readHeader(headers)
	o := origin{source: httpSource, time: now, trace: h.trace}
	trimmed := clean(body)
	if len(trimmed) == 0 && format != FormatCloudEventBinary {
		return nil, errors.New("ingest: the body is empty; want at least one signal")
	}
	switch format {
	case FormatJSON:
		return d.jsonBody(trimmed, &o)
	case FormatNDJSON:
		return d.all(lines(trimmed), nil, d.jsonItem, &o)
	case FormatText:
		return d.all(lines(trimmed), nil, d.line, &o)
	case FormatCloudEvent:
		return d.all([]member{{raw: trimmed}}, nil, d.eventObject, &o)
	case FormatCloudEventBatch:
		return d.array(trimmed, d.eventObject, &o)
	case FormatCloudEventBinary:
		binary := func(raw []byte, o *origin) (Item, error) { return d.binary(&h, raw, o) }
		return d.all([]member{{raw: body}}, nil, binary, &o)
	default:
		return nil, &UnsupportedFormatError{ContentType: format.String()}
	}
}

// jsonBody reads one JSON value or an array of them.
func (d *Decoder) jsonBody(body []byte, o *origin) ([]Item, error) {
	if body[0] != '[' {
		return d.all([]member{{raw: body}}, nil, d.jsonItem, o)
	}
	return d.array(body, d.jsonItem, o)
}

// array reads an array of signals.
func (d *Decoder) array(body []byte, one decode, o *origin) ([]Item, error) {
	if len(body) == 0 || body[0] != '[' {
		return nil, &fieldError{problem: "the body is no JSON array", want: "an array"}
	}
	elements, err := scanArray(body, nil)
	return d.all(elements, err, one, o)
}

// jsonItem reads one signal in JSON: an object, a string or a number.
func (d *Decoder) jsonItem(raw []byte, o *origin) (Item, error) {
	if err := checkUTF8(raw); err != nil {
		return Item{}, err
	}
	if raw[0] == '{' {
		return d.object(raw, o)
	}
	m, err := scanValue(raw)
	if err != nil {
		return Item{}, err
	}
	switch m.kind {
	case kindString:
		return d.line(clean([]byte(m.text())), o)
	case kindNumber:
		return d.line(m.raw, o)
	default:
		return Item{}, &fieldError{problem: "is " + m.kind.String(), want: "a JSON object, a string or a number"}
	}
}

// all decodes every part, or reports everything that is wrong. broken says why the parts
// end early; it counts as the part that follows them.
func (d *Decoder) all(parts []member, broken error, one decode, o *origin) ([]Item, error) {
	items := make([]Item, 0, len(parts))
	var bad ItemErrors
	for i := range parts {
		item, err := d.one(parts[i].raw, one, o)
		if err != nil {
			bad = append(bad, itemError(i, err))
			continue
		}
		items = append(items, item)
	}
	if broken != nil {
		bad = append(bad, itemError(len(parts), broken))
	}
	if len(bad) > 0 {
		return nil, bad
	}
	return items, nil
}

// one decodes one part and makes sure that what is published for it, the signal in HAL9's
// own form, is within the bound too.
func (d *Decoder) one(raw []byte, decode decode, o *origin) (Item, error) {
	if err := d.checkSize(len(raw)); err != nil {
		return Item{}, err
	}
	item, err := decode(raw, o)
	if err != nil {
		return Item{}, err
	}
	const worstEscape, names = 6, 256 // \u0000 for one byte; the form's own names
	if worstEscape*size(&item.Signal)+names <= d.maxBytes {
		return item, nil
	}
	encoded, err := Encode(&item.Signal)
	if err != nil {
		return Item{}, err
	}
	return item, d.checkSize(len(encoded))
}

// lines splits a body into its lines; blank ones do not count.
func lines(body []byte) []member {
	parts := make([]member, 0, bytes.Count(body, []byte{'\n'})+1)
	for line := range bytes.Lines(body) {
		if line = clean(line); len(line) > 0 {
			parts = append(parts, member{raw: line})
		}
	}
	return parts
}
