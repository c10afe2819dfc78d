package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/2lab-ai/hal9/layers"
)

// brief is what these tests look at in an item.
type brief struct {
	ID, Source, Key, Text string
	Value                 float64
	Filled                bool
}

func briefs(t *testing.T, items []Item) (all []brief) {
	t.Helper()
	for i := range items {
		if err := broken(&items[i]); err != nil {
			t.Errorf("item %d: %v", i, err)
		}
		s := &items[i].Signal
		b := brief{ID: s.ID, Source: s.Source, Key: s.Key, Text: s.Text, Value: s.Value, Filled: items[i].FilledID}
		if b.Filled {
			id, err := uuid.Parse(b.ID)
			if err != nil || id.Version() != 7 {
				t.Errorf("item %d: id %q is no UUIDv7", i, b.ID)
			}
			b.ID = ""
		}
		all = append(all, b)
	}
	return all
}

func TestBody(t *testing.T) {
	const ce = `{"specversion":"1.0","id":"a","source":"/s","type":"t","data":{"msg":"m"}}`
	event := brief{ID: "a", Source: "/s", Key: "/s", Text: "m"}
	for _, c := range []struct {
		name, body string
		format     Format
		header     map[string][]string
		want       []brief
	}{
		{name: "object", format: FormatJSON, body: `{"id":"a","source":"s","message":"m"}`, want: []brief{{ID: "a", Source: "s", Key: "s", Text: "m"}}},
		{name: "filled in", format: FormatJSON, body: `{"message":"m"}`, want: []brief{{Source: "http", Key: "http", Text: "m", Filled: true}}},
		{
			name: "array", format: FormatJSON, body: "[{\"id\":1},\n" + ce + `,"line",2.5]`,
			want: []brief{{ID: "1", Source: "http", Key: "http"}, event, {Source: "http", Key: "http", Text: "line", Filled: true}, {Source: "http", Key: "http", Value: 2.5, Filled: true}},
		},
		{name: "empty array", format: FormatJSON, body: "[ ]"},
		{name: "NDJSON", format: FormatNDJSON, body: "{\"id\":1}\r\n\n  {\"id\":2}\n", want: []brief{{ID: "1", Source: "http", Key: "http"}, {ID: "2", Source: "http", Key: "http"}}},
		{name: "CloudEvent", format: FormatCloudEvent, body: ce, want: []brief{event}},
		{name: "CloudEvents batch", format: FormatCloudEventBatch, body: "[" + ce + "," + ce + "]", want: []brief{event, event}},
		{
			name: "binary CloudEvent", format: FormatCloudEventBinary, body: `{"msg":"m"}`,
			header: map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"a"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}, "Content-Type": {"application/json"}},
			want:   []brief{event},
		},
		{
			name: "text", format: FormatText, body: "one\n\n[\"two\"]\n3\n",
			want: []brief{{Source: "http", Key: "http", Text: "one", Filled: true}, {Source: "http", Key: "http", Text: `["two"]`, Filled: true}, {Source: "http", Key: "http", Value: 3, Filled: true}},
		},
		{name: "deepest JSON", format: FormatJSON, body: "[" + strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64) + "]", want: []brief{{Source: "http", Key: "http", Filled: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := newDecoder(t).Body(c.format, c.header, []byte(c.body), nowAt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, briefs(t, items)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBodyTakesTimeAndTraceFromTheRequest(t *testing.T) {
	own := strings.Replace(goodTrace, "0af7", "1111", 1)
	items, err := newDecoder(t).Body(FormatJSON, map[string][]string{"Traceparent": {goodTrace}},
		[]byte(`[{"time":"2014-07-01 00:00:00","traceparent":"`+own+`"},{"traceparent":"bad"}]`), nowAt)
	if err != nil {
		t.Fatal(err)
	}
	if got := items[0]; got.TraceParent != own || !got.Signal.Time.Equal(at(t, "2014-07-01T00:00:00Z")) {
		t.Errorf("the signal's own: %q at %v", got.TraceParent, got.Signal.Time)
	}
	if got := items[1]; got.TraceParent != goodTrace || !got.Signal.Time.Equal(nowAt) {
		t.Errorf("the request's: %q at %v", got.TraceParent, got.Signal.Time)
	}
}

// TestBodyNamesEveryBadItem also shows the texts that a client sees.
func TestBodyNamesEveryBadItem(t *testing.T) {
	for _, c := range []struct {
		name, body string
		format     Format
		want       []string
	}{
		{
			name: "array", format: FormatJSON, body: `[{"id":1},{"time":"yesterday"},{"id":2},{"id":[]},null]`,
			want: []string{
				`signal 1: field "time": "yesterday" is no RFC 3339 time; want ` + wantTime,
				`signal 3: field "id": is an array; want a string or a number`,
				`signal 4: is null; want a JSON object, a string or a number`,
			},
		},
		{
			name: "broken array", format: FormatJSON, body: `[{"time":true},{"id":2},{"id":}]`,
			want: []string{`signal 0: field "time": is a boolean; want ` + wantTime, `signal 2: broken JSON at byte 30, near "}]"; want a JSON value`},
		},
		{name: "object", format: FormatJSON, body: `{"id":1} {"id":2}`, want: []string{`signal 0: broken JSON at byte 9, near "{\"id\":2}"; want nothing after the JSON value`}},
		{name: "NDJSON", format: FormatNDJSON, body: "{\"id\":1}\n{\"id\"\n\n[1]\n", want: []string{
			`signal 1: broken JSON: it ends at byte 5; want ":" after the member name`,
			`signal 2: is an array; want a JSON object, a string or a number`,
		}},
		{name: "CloudEvent", format: FormatCloudEvent, body: `{"id":1}`, want: []string{`signal 0: field "specversion": is missing; want "1.0": the content type says CloudEvents`}},
		{name: "CloudEvents batch", format: FormatCloudEventBatch, body: `[{"specversion":"2"},7]`, want: []string{
			`signal 0: field "specversion": "2" is not supported; want "1.0"`,
			`signal 1: broken JSON at byte 0, near "7"; want a JSON object`,
		}},
		{name: "text", format: FormatText, body: "a\n\xff\n", want: []string{`signal 1: invalid UTF-8 at byte 0; want UTF-8; binary data needs CloudEvents' binary mode or data_base64`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := newDecoder(t).Body(c.format, nil, []byte(c.body), nowAt)
			if items != nil {
				t.Errorf("%d items are accepted", len(items))
			}
			bad, ok := errors.AsType[ItemErrors](err)
			if !ok {
				t.Fatalf("%T: %v", err, err)
			}
			if diff := cmp.Diff(strings.Join(c.want, "\n"), bad.Error()); diff != "" {
				t.Error(diff)
			}
			if one, ok := errors.AsType[*ItemError](err); !ok || one != bad[0] {
				t.Errorf("errors.AsType finds %v", one)
			}
		})
	}
}

func TestBodyAsAWholeIsBad(t *testing.T) {
	for _, c := range []struct {
		body   string
		format Format
		want   string
	}{
		{"", FormatJSON, "empty"},
		{" \n", FormatText, "empty"},
		{"\n\n", FormatNDJSON, "empty"},
		{`{"a":1}`, FormatCloudEventBatch, "no JSON array"},
		{"x", 0, "not supported"},
	} {
		_, err := newDecoder(t).Body(c.format, nil, []byte(c.body), nowAt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.body, err, c.want)
		}
	}
}

func TestItemErrorsAreBounded(t *testing.T) {
	_, err := newDecoder(t).Body(FormatNDJSON, nil, []byte(strings.Repeat("?\n", 1000)), nowAt)
	bad, ok := errors.AsType[ItemErrors](err)
	if !ok || len(bad) != 1000 {
		t.Fatalf("%d errors, want all 1000", len(bad))
	}
	if lines := strings.Count(bad.Error(), "\n") + 1; lines != 21 || !strings.HasSuffix(bad.Error(), "… and 980 more") {
		t.Errorf("%d lines: %s", lines, bad.Error())
	}
}

// TestBodyBoundsWhatIsPublished uses text that grows when it is written as JSON.
func TestBodyBoundsWhatIsPublished(t *testing.T) {
	grows := strings.Repeat("\x01", 300_000)
	_, err := newDecoder(t).Body(FormatText, nil, []byte(grows), nowAt)
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v, want too large", err)
	}
	items, err := newDecoder(t).Body(FormatText, nil, []byte(strings.Repeat("x", 900_000)), nowAt)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := Encode(&items[0].Signal)
	if err != nil || len(encoded) > DefaultConfig().MaxSignalBytes {
		t.Errorf("%d bytes, %v", len(encoded), err)
	}
}

func TestFormatOf(t *testing.T) {
	ce := map[string][]string{"Ce-Specversion": {"1.0"}}
	for _, c := range []struct {
		contentType string
		header      map[string][]string
		want        Format
	}{
		{"", nil, FormatJSON},
		{"application/json", nil, FormatJSON},
		{"Application/JSON; charset=UTF-8", nil, FormatJSON},
		{"application/vnd.x+json", nil, FormatJSON},
		{"application/x-ndjson", nil, FormatNDJSON},
		{"application/jsonl", nil, FormatNDJSON},
		{"text/plain; charset=us-ascii", nil, FormatText},
		{"application/cloudevents+json", nil, FormatCloudEvent},
		{"application/cloudevents+json", ce, FormatCloudEvent},
		{"application/cloudevents-batch+json; charset=utf-8", nil, FormatCloudEventBatch},
		{"application/json", ce, FormatCloudEventBinary},
		{"image/png", ce, FormatCloudEventBinary},
		{"", ce, FormatCloudEventBinary},
		{"application/cloudevents+xml", ce, 0},
		{"application/xml", nil, 0},
		{"text/html", nil, 0},
		{"application/x-www-form-urlencoded", nil, FormatJSON},
		{"text/plain; charset=latin1", nil, 0},
		{"nonsense;;", nil, 0},
	} {
		got, err := FormatOf(c.contentType, c.header)
		if got != c.want {
			t.Errorf("%q: %v, want %v (%v)", c.contentType, got, c.want, err)
		}
		unsupported, typed := errors.AsType[*UnsupportedFormatError](err)
		if (c.want == 0) != typed || (typed && unsupported.ContentType != c.contentType) {
			t.Errorf("%q: error %v", c.contentType, err)
		}
	}
}

func TestSeverityOfHTTPTextSurvivesPublishing(t *testing.T) {
	d := newDecoder(t)
	items, err := d.Body(FormatText, nil, []byte("E0519 12:00:00.1 7 x.go:1] boom"), nowAt)
	if err != nil {
		t.Fatal(err)
	}
	if items[0].Signal.Severity != layers.SeverityError {
		t.Errorf("severity %v", items[0].Signal.Severity)
	}
	roundTrip(t, d, &items[0].Signal)
}
