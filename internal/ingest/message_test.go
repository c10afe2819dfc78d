package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

func brokenData(s *layers.Signal) error {
	if s.Data != nil && (!json.Valid(s.Data) || !utf8.Valid(s.Data)) {
		return fmt.Errorf("data %q is no JSON", s.Data)
	}
	return nil
}

const goodTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// whole marks a case whose data is the payload itself.
const whole = "the payload"

// TestMessage shows what is recognised. want leaves out what is filled in: id, source, key
// and time are those of the transport unless said otherwise.
func TestMessage(t *testing.T) {
	for _, c := range messageCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := newDecoder(t).Message(message("hal9.signals.web.eu", c.data, c.header))
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			filled := want.ID == ""
			if filled {
				want.ID = storedAs
			}
			if want.Source == "" {
				want.Source = "web.eu"
			}
			if want.Key == "" {
				want.Key = want.Source
			}
			if want.Time.IsZero() {
				want.Time = storedAt
			}
			if string(want.Data) == whole {
				want.Data = json.RawMessage(strings.TrimSpace(c.data))
			}
			if diff := cmp.Diff(Item{Signal: want, TraceParent: c.trace, FilledID: filled}, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if err := broken(&got); err != nil {
				t.Error(err)
			}
		})
	}
}

type messageCase struct {
	name, data string
	header     map[string][]string
	want       layers.Signal
	trace      string
}

func messageCases(tb testing.TB) []messageCase {
	tb.Helper()
	return append(append(plainCases(tb), eventCases(tb)...), shapeCases(tb)...)
}

func plainCases(tb testing.TB) []messageCase {
	tb.Helper()
	data := json.RawMessage(whole)
	return []messageCase{
		{name: "text", data: " disk almost full\n", want: layers.Signal{Text: "disk almost full"}},
		{name: "text with byte order mark", data: "\xef\xbb\xbfhello", want: layers.Signal{Text: "hello"}},
		{name: "text that states its level", data: "ERROR disk full", want: layers.Signal{Text: "ERROR disk full", Severity: layers.SeverityError}},
		{name: "text that starts with a bracket", data: "[warn] disk full", want: layers.Signal{Text: "[warn] disk full", Severity: layers.SeverityWarning}},
		{name: "text that starts with a date in brackets", data: "[2014-07-01 00:00:00] up", want: layers.Signal{Text: "[2014-07-01 00:00:00] up", Time: time.Date(2014, 7, 1, 0, 0, 0, 0, time.UTC)}},
		{name: "text that starts like a JSON word", data: "true story", want: layers.Signal{Text: "true story"}},
		{name: "text that is no number", data: "NaN", want: layers.Signal{Text: "NaN"}},
		{name: "text in quotes", data: `"a" is not "b"`, want: layers.Signal{Text: `"a" is not "b"`}},
		{name: "text of several lines", data: "panic: boom\n\tmain.go:7\n", want: layers.Signal{Text: "panic: boom\n\tmain.go:7", Severity: layers.SeverityCritical}},
		{name: "text by content type", data: "{not JSON}", header: map[string][]string{"Content-Type": {"text/plain; charset=utf-8"}}, want: layers.Signal{Text: "{not JSON}"}},
		{name: "JSON string", data: `"caf\u00e9 closed"`, want: layers.Signal{Text: "café closed"}},
		{name: "number", data: " -12.5e1\n", want: layers.Signal{Value: -125, HasValue: true}},
		{name: "number with a plus", data: "+.5", want: layers.Signal{Value: .5, HasValue: true}},
		{name: "empty object", data: "{}", want: layers.Signal{Data: data}},
		{name: "message id of the transport", data: "x", header: map[string][]string{"Nats-Msg-Id": {"m-1"}}, want: layers.Signal{ID: "m-1", Text: "x"}},
		{name: "message id loses against the id", data: `{"id":7}`, header: map[string][]string{"Nats-Msg-Id": {"m-1"}}, want: layers.Signal{ID: "7", Data: data}},
		{name: "message id that is too long", data: "x", header: map[string][]string{"Nats-Msg-Id": {strings.Repeat("m", 257)}}, want: layers.Signal{Text: "x"}},
		{name: "trace header", data: "x", header: map[string][]string{"traceparent": {goodTrace}}, want: layers.Signal{Text: "x"}, trace: goodTrace},
		{name: "bad trace header", data: "x", header: map[string][]string{"Traceparent": {"00-zz"}}, want: layers.Signal{Text: "x"}},
		{
			name: "object with everything",
			data: `{"id":"a-1","source":"checkout","subject":"host-7","type":"disk","time":"2014-07-01T02:00:00+02:00","severity":"WARN","labels":{"zone":"b","n":1,"ok":true,"no":null,"deep":{}},"message":"almost full","value":93.5,"traceparent":"` + goodTrace + `"}`,
			want: layers.Signal{
				ID: "a-1", Source: "checkout", Key: "host-7", Type: "disk", Time: at(tb, "2014-07-01T00:00:00Z"),
				Severity: layers.SeverityWarning, Labels: map[string]string{"zone": "b", "n": "1", "ok": "true"},
				Text: "almost full", Value: 93.5, HasValue: true, Data: data,
			},
			trace: goodTrace,
		},
		{
			name: "synonyms in any case",
			data: `{"ID":1e3,"Key":"k","Timestamp":1404172800,"LEVEL":17,"Msg":"m\n\"q\"","Value":"2.5"}`,
			want: layers.Signal{ID: "1e3", Key: "k", Time: at(tb, "2014-07-01T00:00:00Z"), Severity: layers.SeverityError, Text: "m\n\"q\"", Value: 2.5, HasValue: true, Data: data},
		},
		{
			name: "the first name wins, not the first member",
			data: `{"ts":1,"@timestamp":2,"timestamp":3,"time":4,"text":"c","msg":"b","message":"a","subject":"s","key":"k","level":"info","severity":"error"}`,
			want: layers.Signal{Key: "k", Time: at(tb, "1970-01-01T00:00:04Z"), Severity: layers.SeverityError, Text: "a", Data: data},
		},
		{name: "the last of the same name wins", data: `{"message":"a","message":"b"}`, want: layers.Signal{Text: "b", Data: data}},
		{name: "escaped names", data: `{"m\u0065ssage":"a"}`, want: layers.Signal{Text: "a", Data: data}},
		{
			name: "words used for something else",
			data: `{"value":{"a":1},"message":{"a":1},"labels":[1],"source":{"component":"x"},"type":7,"severity":{"x":1},"subject":["s"],"Value":"1e999","host":{"name":"h"},"traceparent":1}`,
			want: layers.Signal{Data: data},
		},
		{
			name: "a synonym replaces a word used for something else", data: `{"message":{},"msg":"m","time":{},"ts":1,"severity":"odd","level":"info","value":"high"}`,
			want: layers.Signal{Text: "m", Time: at(tb, "1970-01-01T00:00:01Z"), Severity: layers.SeverityInfo, Data: data},
		},
		{name: "nulls and empty texts are absent", data: `{"id":null,"time":"","source":"","subject":"","message":null,"severity":"","labels":null}`, want: layers.Signal{Data: data}},
		{name: "severity that nobody knows", data: `{"severity":"Sev-2","labels":{"a":"b"}}`, want: layers.Signal{Labels: map[string]string{"a": "b", "severity": "Sev-2"}, Data: data}},
		{name: "level out of OpenTelemetry's range", data: `{"level":30}`, want: layers.Signal{Labels: map[string]string{"severity": "30"}, Data: data}},
		{name: "host names the entity", data: `{"service":"s","host":"h","labels":{"instance":"i"}}`, want: layers.Signal{Key: "h", Labels: map[string]string{"instance": "i"}, Data: data}},
		{name: "a label names the entity", data: `{"labels":{"pod":"p","service.name":"s"}}`, want: layers.Signal{Key: "s", Labels: map[string]string{"pod": "p", "service.name": "s"}, Data: data}},
		{name: "an entity that is too long is none", data: `{"host":"` + strings.Repeat("h", 513) + `","pod":"p"}`, want: layers.Signal{Key: "p", Data: data}},
	}
}

func shapeCases(tb testing.TB) []messageCase {
	tb.Helper()
	data := json.RawMessage(whole)
	event := `{"kind":"Event","involvedObject":{"kind":"Deployment","namespace":"default","name":"px"},"message":"Scaled","reason":"Scaling","type":"Warning","eventTime":null,"firstTimestamp":"2021-05-19T09:42:57Z","lastTimestamp":"2021-05-19T09:42:58Z","metadata":{"uid":"u","resourceVersion":"9"},"source":{"component":"c"}}`
	return []messageCase{
		{
			name: "Kubernetes event", data: event,
			want: layers.Signal{
				ID: "u/9", Key: "Deployment/default/px", Type: "io.k8s.event", Time: at(tb, "2021-05-19T09:42:58Z"),
				Severity: layers.SeverityWarning, Labels: map[string]string{"reason": "Scaling"}, Text: "Scaled", Data: data,
			},
		},
		{
			name: "Kubernetes event of a cluster object, new API",
			data: `{"regarding":{"kind":"Node","name":"n1"},"note":"ready","type":"Normal","eventTime":"2021-05-19T09:42:58.5Z"}`,
			want: layers.Signal{Key: "Node/n1", Type: "io.k8s.event", Time: at(tb, "2021-05-19T09:42:58.5Z"), Severity: layers.SeverityInfo, Text: "ready", Data: data},
		},
		{
			name: "firing alert",
			data: `{"labels":{"alertname":"DiskFull","job":"node","instance":"db1","severity":"page"},"annotations":{"description":"d","summary":"s"},"startsAt":"2024-05-19T11:00:00Z","endsAt":"0001-01-01T00:00:00Z"}`,
			want: layers.Signal{
				Key: "db1", Type: "alert", Time: at(tb, "2024-05-19T11:00:00Z"), Severity: layers.SeverityCritical, Text: "s", Data: data,
				Labels: map[string]string{"alertname": "DiskFull", "job": "node", "instance": "db1", "severity": "page", "alertstatus": "firing"},
			},
		},
		{
			name: "resolved alert",
			data: `{"labels":{"alertname":"DiskFull","severity":"critical"},"startsAt":"2024-05-19T11:00:00Z","endsAt":"2024-05-19T11:30:00Z"}`,
			want: layers.Signal{
				Key: "DiskFull", Type: "alert", Time: at(tb, "2024-05-19T11:30:00Z"), Severity: layers.SeverityInfo, Text: "DiskFull", Data: data,
				Labels: map[string]string{"alertname": "DiskFull", "severity": "critical", "alertstatus": "resolved"},
			},
		},
		{
			name: "own form",
			data: `{"id":"a","source":"s","subject":"k","time":"2014-07-01T00:00:00Z","labels":{"alertname":"A"},"message":"ERROR x","data":{"host":"h"}}`,
			want: layers.Signal{ID: "a", Source: "s", Key: "k", Time: at(tb, "2014-07-01T00:00:00Z"), Labels: map[string]string{"alertname": "A"}, Text: "ERROR x", Data: json.RawMessage(`{"host":"h"}`)},
		},
		{
			name: "nearly the own form",
			data: `{"id":"a","source":"s","subject":"k","time":"2014-07-01T00:00:00Z","data":{"host":"h"},"more":1}`,
			want: layers.Signal{ID: "a", Source: "s", Key: "k", Time: at(tb, "2014-07-01T00:00:00Z"), Data: data},
		},
	}
}

func TestMessageSourceOfSubject(t *testing.T) {
	for subject, want := range map[string]string{
		"hal9.signals.web":    "web",
		"hal9.signals.a.b.c":  "a.b.c",
		"other.subject":       "other.subject",
		"hal9.signals.":       "nats",
		"hal9.signals.\xffab": "_ab",
	} {
		item, err := newDecoder(t).Message(message(subject, "x", nil))
		if err != nil {
			t.Fatal(err)
		}
		if item.Signal.Source != want || item.Signal.Key != want {
			t.Errorf("%q: source %q, key %q, want %q", subject, item.Signal.Source, item.Signal.Key, want)
		}
	}
}

// TestMessageIsTheSameAtEveryDelivery holds even where headers have two spellings.
func TestMessageIsTheSameAtEveryDelivery(t *testing.T) {
	d := newDecoder(t)
	m := message("hal9.signals.web", "x", map[string][]string{
		"Nats-Msg-Id": {"a"}, "nats-msg-id": {"b"}, "NATS-MSG-ID": {"c"},
		"traceparent": {goodTrace}, "Traceparent": {strings.Replace(goodTrace, "01", "00", 1)},
	})
	first, err := d.Message(m)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		again, err := d.Message(m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestMessageTimeIsPlain holds where the caller's clock is local and monotonic.
func TestMessageTimeIsPlain(t *testing.T) {
	m := message("hal9.signals.web", "x", nil)
	m.Stored = time.Now().In(time.FixedZone("east", 3600))
	item, err := newDecoder(t).Message(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := item.Signal.Time, time.Unix(0, m.Stored.UnixNano()).UTC(); got != want {
		t.Errorf("%#v, want %#v", got, want)
	}
}

func TestFallbackID(t *testing.T) {
	d := newDecoder(t)
	if got := d.FallbackID(message("hal9.signals.web", "[", nil)); got != storedAs {
		t.Errorf("got %q, want %q", got, storedAs)
	}
	named := message("hal9.signals.web", "[", map[string][]string{"nats-msg-id": {"m-1"}})
	if got := d.FallbackID(named); got != "m-1" {
		t.Errorf("got %q, want the message id", got)
	}
	useless := message("hal9.signals.web", "[", map[string][]string{"nats-msg-id": {"a\nb"}})
	if got := d.FallbackID(useless); got != storedAs {
		t.Errorf("got %q, want %q: an id with a line break is none", got, storedAs)
	}
}
