package ingest

import (
	"encoding/json"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// eventCases are CloudEvents in structured and binary mode.
func eventCases(tb testing.TB) []messageCase {
	tb.Helper()
	return append(structuredCases(tb), binaryCases(tb)...)
}

// orderEvent is what every CloudEvent of these cases says.
func orderEvent(s layers.Signal) layers.Signal {
	s.ID, s.Source, s.Type = "a-1", "//shop/x", "shop.order"
	return s
}

func structuredCases(tb testing.TB) []messageCase {
	tb.Helper()
	const base = `{"specversion":"1.0","id":"a-1","source":"//shop/x","type":"shop.order"`
	cases := []messageCase{
		{name: "minimum", data: base + `}`, want: orderEvent(layers.Signal{})},
		{name: "nulls are absent", data: base + `,"subject":null,"data":null,"time":null}`, want: orderEvent(layers.Signal{})},
		{
			name: "attributes and extensions",
			data: base + `,"subject":"order-7","time":"2014-07-01T00:00:00.5Z","severity":"fatal","traceparent":"` + goodTrace + `","region":"eu","retries":3,"final":true}`,
			want: orderEvent(layers.Signal{
				Key: "order-7", Time: at(tb, "2014-07-01T00:00:00.5Z"), Severity: layers.SeverityCritical,
				Labels: map[string]string{"region": "eu", "retries": "3", "final": "true"},
			}),
			trace: goodTrace,
		},
		{
			name: "the trace of the event wins over the header's", data: base + `,"traceparent":"` + goodTrace + `"}`,
			header: map[string][]string{"traceparent": {"00-11111111111111111111111111111111-b7ad6b7169203331-01"}},
			want:   orderEvent(layers.Signal{}), trace: goodTrace,
		},
		{
			name: "JSON data is looked into", data: base + `,"data":{"msg":"m","value":3,"level":"warn","labels":{"a":"b"},"host":"h","id":"no","time":"no"}}`,
			want: orderEvent(layers.Signal{
				Key: "h", Text: "m", Value: 3, HasValue: true, Severity: layers.SeverityWarning, Labels: map[string]string{"a": "b"},
				Data: json.RawMessage(`{"msg":"m","value":3,"level":"warn","labels":{"a":"b"},"host":"h","id":"no","time":"no"}`),
			}),
		},
		{
			name: "extensions win over data", data: base + `,"severity":"info","a":"ext","data":{"level":"error","labels":{"a":"b","c":"d"}}}`,
			want: orderEvent(layers.Signal{
				Severity: layers.SeverityInfo, Labels: map[string]string{"a": "ext", "c": "d"},
				Data: json.RawMessage(`{"level":"error","labels":{"a":"b","c":"d"}}`),
			}),
		},
		{name: "severity that nobody knows", data: base + `,"severity":"odd"}`, want: orderEvent(layers.Signal{Labels: map[string]string{"severity": "odd"}})},
		{name: "JSON string", data: base + `,"data":"hi\n"}`, want: orderEvent(layers.Signal{Text: "hi\n", Data: json.RawMessage(`"hi\n"`)})},
		{name: "JSON number", data: base + `,"data":2.5}`, want: orderEvent(layers.Signal{Value: 2.5, HasValue: true, Data: json.RawMessage(`2.5`)})},
		{name: "JSON array", data: base + `,"data":[1]}`, want: orderEvent(layers.Signal{Data: json.RawMessage(`[1]`)})},
		{name: "text", data: base + `,"datacontenttype":"text/plain","data":"WARN hi"}`, want: orderEvent(layers.Signal{Text: "WARN hi", Severity: layers.SeverityWarning})},
		{name: "XML", data: base + `,"datacontenttype":"application/xml","data":"<a/>"}`, want: orderEvent(layers.Signal{Data: json.RawMessage(`"<a/>"`)})},
		{name: "base64 JSON", data: base + `,"datacontenttype":"application/json","data_base64":"eyJtc2ciOiJtIn0="}`, want: orderEvent(layers.Signal{Text: "m", Data: json.RawMessage(`{"msg":"m"}`)})},
		{name: "base64 bytes", data: base + `,"datacontenttype":"image/png","data_base64":"/w=="}`, want: orderEvent(layers.Signal{Data: json.RawMessage(`"/w=="`)})},
		{
			name: "alert as data", data: base + `,"data":{"labels":{"alertname":"A","instance":"i"},"startsAt":"2014-07-01T00:00:00Z"}}`,
			want: orderEvent(layers.Signal{
				Key: "i", Text: "A", Time: at(tb, "2014-07-01T00:00:00Z"), Labels: map[string]string{"alertname": "A", "instance": "i", "alertstatus": "firing"},
				Data: json.RawMessage(`{"labels":{"alertname":"A","instance":"i"},"startsAt":"2014-07-01T00:00:00Z"}`),
			}),
		},
	}
	for i := range cases {
		cases[i].name = "structured " + cases[i].name
		if i%2 == 0 && cases[i].header == nil { // The header may say what the bytes say too.
			cases[i].header = map[string][]string{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}
		}
	}
	return cases
}

func binaryCases(tb testing.TB) []messageCase {
	tb.Helper()
	headers := func(more ...string) map[string][]string {
		h := map[string][]string{"ce-specversion": {"1.0"}, "Ce-Id": {"a-1"}, "CE-Source": {"//shop/x"}, "ce-type": {"shop.order"}}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	return []messageCase{
		{name: "binary without data", header: headers(), want: orderEvent(layers.Signal{})},
		{
			name: "binary JSON", data: `{"message":"m"}`, header: headers("content-type", "application/json", "ce-subject", "caf%C3%A9%20%22x%22", "ce-time", "2014-07-01T00:00:00Z", "ce-region", `"e\"u"`),
			want: orderEvent(layers.Signal{Key: `café "x"`, Time: at(tb, "2014-07-01T00:00:00Z"), Labels: map[string]string{"region": `e"u`}, Text: "m", Data: json.RawMessage(`{"message":"m"}`)}),
		},
		{name: "binary text", data: "hi", header: headers("ce-datacontenttype", "text/plain"), want: orderEvent(layers.Signal{Text: "hi"})},
		{name: "binary bytes", data: "\xff", header: headers("ce-datacontenttype", "application/octet-stream"), want: orderEvent(layers.Signal{Data: json.RawMessage(`"/w=="`)})},
		{name: "binary text in another encoding", data: "caf\xe9", header: headers("content-type", "text/plain; charset=latin1"), want: orderEvent(layers.Signal{Data: json.RawMessage(`"Y2Fm6Q=="`)})},
		{name: "binary unnamed JSON", data: `{"message":"m"}`, header: headers(), want: orderEvent(layers.Signal{Text: "m", Data: json.RawMessage(`{"message":"m"}`)})},
		{name: "binary unnamed text", data: `{oops`, header: headers(), want: orderEvent(layers.Signal{Text: "{oops"})},
		{name: "binary percent that is none", header: headers("ce-subject", "100%"), want: orderEvent(layers.Signal{Key: "100%"})},
		{name: "binary trace", header: headers("ce-traceparent", goodTrace), want: orderEvent(layers.Signal{}), trace: goodTrace},
	}
}
