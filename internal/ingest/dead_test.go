package ingest

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMessageIsDead lists what cannot be understood, and what the reason must say.
func TestMessageIsDead(t *testing.T) {
	long := strings.Repeat("x", 600)
	event := map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"a"}, "ce-source": {"/s"}, "ce-type": {"t"}}
	for _, c := range []struct {
		name, data string
		header     map[string][]string
		want       []string
	}{
		{name: "empty", data: "", want: []string{"empty"}},
		{name: "space", data: " \n", want: []string{"empty"}},
		{name: "empty JSON string", data: `""`, want: []string{"empty"}},
		{name: "invalid UTF-8", data: "ab\xffc", want: []string{"UTF-8", "byte 2"}},
		{name: "invalid UTF-8 in JSON", data: "{\"message\":\"\xff\"}", want: []string{"UTF-8"}},
		{name: "invalid UTF-8 in a JSON string", data: "\"\\n\xff\"", want: []string{"UTF-8"}},
		{name: "zero byte", data: "a\x00b", want: []string{"byte 1 is zero"}},
		{name: "array", data: `[{"id":1}]`, want: []string{"a JSON array is several signals", "POSTed to /v1/signals"}},
		{name: "broken array", data: `[{"id":1}`, want: []string{"broken JSON", "ends"}},
		{name: "broken array of numbers", data: `[1,2`, want: []string{"broken JSON"}},
		{name: "broken array with a bracket", data: `[{"a":[1]}`, want: []string{"broken JSON"}},
		{name: "broken array of strings", data: `["a]"`, want: []string{"broken JSON"}},
		{name: "null", data: `null`, want: []string{"null is no signal"}},
		{name: "true", data: ` true `, want: []string{"true is no signal"}},
		{name: "broken object", data: `{"id":1`, want: []string{"broken JSON", "ends at byte 7"}},
		{name: "broken object with junk", data: `{"id":1}x`, want: []string{"broken JSON at byte 8", `"x"`}},
		{name: "too deep", data: strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), want: []string{"nested more than 64 deep"}},
		{name: "too large", data: strings.Repeat("x", 1_200_001), want: []string{"too large", "1200001", "1200000"}},
		{name: "number beyond float64", data: "1e999", want: []string{"1e999", "finite"}},
		{name: "value beyond float64", data: `{"value":-1e999}`, want: []string{`field "value"`, "finite"}},
		{name: "id of a wrong type", data: `{"id":{"a":1}}`, want: []string{`field "id"`, "an object"}},
		{name: "id too long", data: `{"id":"` + long + `"}`, want: []string{`field "id"`, "256"}},
		{name: "id with a line break", data: `{"id":"a\nb"}`, want: []string{`field "id"`, "control"}},
		{name: "source too long", data: `{"source":"` + long + `"}`, want: []string{`field "source"`, "512"}},
		{name: "key too long", data: `{"Key":"` + long + `"}`, want: []string{`field "Key"`, "512"}},
		{name: "type too long", data: `{"type":"` + long + `"}`, want: []string{`field "type"`, "256"}},
		{name: "label too long", data: `{"labels":{"a":"` + strings.Repeat("x", 4097) + `"}}`, want: []string{`field "labels.a"`, "4096"}},
		{name: "label name too long", data: `{"labels":{"` + long + `":"a"}}`, want: []string{`field "labels"`, "256"}},
		{name: "too many labels", data: `{"labels":{` + manyLabels(65) + `}}`, want: []string{`field "labels"`, "64"}},
		{name: "time that is none", data: `{"time":"yesterday"}`, want: []string{`field "time": "yesterday" is no RFC 3339 time`}},
		{name: "time of a wrong type", data: `{"@timestamp":true}`, want: []string{`field "@timestamp"`, "a boolean"}},
		{name: "time before 1970", data: `{"ts":-1}`, want: []string{`field "ts"`, "1969"}},
		{name: "time after 2200", data: `{"time":"2300-01-01T00:00:00Z"}`, want: []string{`field "time"`, "2300"}},
		{name: "zero time", data: `{"time":"0001-01-01T00:00:00Z"}`, want: []string{`field "time"`, "year 1 "}},
		{name: "CloudEvents batch", data: `[]`, header: map[string][]string{"content-type": {"application/cloudevents-batch+json"}}, want: []string{"several signals"}},
		{name: "CloudEvents in XML", data: `<a/>`, header: map[string][]string{"content-type": {"application/cloudevents+xml"}}, want: []string{"application/cloudevents+xml", "not supported"}},
		{name: "no CloudEvent", data: `{"id":"a"}`, header: map[string][]string{"content-type": {"application/cloudevents+json"}}, want: []string{`field "specversion"`, "missing"}},
		{name: "empty CloudEvent", data: ``, header: map[string][]string{"content-type": {"application/cloudevents+json"}}, want: []string{"empty"}},
		{name: "specversion 0.3", data: `{"specversion":"0.3","id":"a","source":"/s","type":"t"}`, want: []string{`field "specversion"`, "0.3", "1.0"}},
		{name: "specversion a number", data: `{"specversion":1.0,"id":"a","source":"/s","type":"t"}`, want: []string{`field "specversion"`, `"1.0"`}},
		{name: "CloudEvent without attributes", data: `{"specversion":"1.0"}`, want: []string{`field "id"`, "source: REQUIRED", "type: MUST"}},
		{name: "CloudEvent time", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","time":"2014-07-01"}`, want: []string{`field "time"`, "2014-07-01"}},
		{name: "CloudEvent zero time", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","time":"0001-01-01T00:00:00Z"}`, want: []string{`field "time"`}},
		{name: "CloudEvent source", data: `{"specversion":"1.0","id":"a","source":"%zz","type":"t"}`, want: []string{`field "source"`, "URI"}},
		{name: "CloudEvent content type", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","datacontenttype":"a/b/c"}`, want: []string{`field "datacontenttype"`}},
		{name: "CloudEvent schema", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","dataschema":"relative"}`, want: []string{`field "dataschema"`}},
		{name: "CloudEvent extension", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","ext":{}}`, want: []string{`field "ext"`, "an object"}},
		{name: "CloudEvent with two data", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","data":1,"data_base64":"YQ=="}`, want: []string{`field "data_base64"`, "beside data"}},
		{name: "CloudEvent base64", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","data_base64":"?"}`, want: []string{`field "data_base64"`, "no base64"}},
		{name: "CloudEvent base64 that is a digit", data: `{"specversion":"1.0","id":"a","source":"/s","type":"t","data_base64":1}`, want: []string{`field "data_base64"`}},
		{name: "binary without id", header: map[string][]string{"ce-specversion": {"1.0"}, "ce-source": {"/s"}, "ce-type": {"t"}}, want: []string{`field "id"`}},
		{name: "binary without specversion", header: map[string][]string{"ce-id": {"a"}, "ce-source": {"/s"}, "ce-type": {"t"}}, want: []string{`field "specversion"`}},
		{name: "binary with broken JSON", data: `{"a"`, header: with(event, "content-type", "application/json"), want: []string{`field "data"`, "broken JSON"}},
		{name: "binary with bad percent", header: with(event, "ce-subject", "%ff"), want: []string{`field "ce-subject"`, "UTF-8"}},
		{name: "alert that ends before it starts", data: `{"labels":{"alertname":"A"},"startsAt":"2014-07-01T00:00:01Z","endsAt":"2014-07-01T00:00:00Z"}`, want: []string{`field "endsAt"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			item, err := newDecoder(t).Message(message("hal9.signals.web", c.data, c.header))
			if err == nil {
				t.Fatalf("no error, but %+v", item)
			}
			checkReason(t, err.Error(), c.want)
		})
	}
}

// checkReason verifies that a reason can stand in a header and says what is wanted.
func checkReason(t *testing.T, reason string, want []string) {
	t.Helper()
	for _, part := range want {
		if !strings.Contains(reason, part) {
			t.Errorf("%q does not say %q", reason, part)
		}
	}
	if len(reason) > 1000 || !utf8.ValidString(reason) || strings.ContainsAny(reason, "\r\n\x00") {
		t.Errorf("%q cannot stand in a header", reason)
	}
}

func manyLabels(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = `"l` + strings.Repeat("x", i) + `":"v"`
	}
	return strings.Join(names, ",")
}

func with(header map[string][]string, name, value string) map[string][]string {
	more := map[string][]string{name: {value}}
	maps.Copy(more, header)
	return more
}
