package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestSpansOfAnyTracer reads one failed call of cart by shop, as tracers and tables write it.
func TestSpansOfAnyTracer(t *testing.T) {
	d, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data   string
		value  float64
		labels string // those besides trace, span and operation
	}{
		"Jaeger": {
			`{"traceID":"t1","spanID":"b","operationName":"cart/Get","references":[{"refType":"CHILD_OF","traceID":"t1","spanID":"a"}],` +
				`"startTime":1700000000123456,"duration":1503,"tags":[{"key":"http.status_code","type":"int64","value":503}],` +
				`"logs":[{"timestamp":1700000000123999,"fields":[{"key":"error","value":"no"}]}],"process":{"serviceName":"cart","tags":[{"key":"hostname","value":"cart-0"}]}}`,
			1503, "parent_span_id=a service=cart instance=cart-0",
		},
		"Zipkin": {
			`{"traceId":"t1","id":"b","parentId":"a","kind":"CLIENT","name":"cart/Get","timestamp":1700000000123456,"duration":1503,` +
				`"localEndpoint":{"serviceName":"cart","ipv4":"10.0.0.1"},"remoteEndpoint":{"serviceName":"redis"},"tags":{"error":"timeout"}}`,
			1503, "parent_span_id=a service=cart callee=redis",
		},
		"OTLP": {
			`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"k8s.pod.name","value":{"stringValue":"cart-0"}}]},` +
				`"scopeSpans":[{"scope":{"name":"otel"},"spans":[{"traceId":"t1","spanId":"c","parentSpanId":"b","name":"sub","startTimeUnixNano":"1700000000123456000","endTimeUnixNano":"1700000000123556000"},` +
				`{"traceId":"t1","spanId":"b","parentSpanId":"a","name":"cart/Get","kind":2,"startTimeUnixNano":"1700000000123456000","endTimeUnixNano":"1700000000124956000","status":{"code":2}}]}]}]}`,
			1.5, "parent_span_id=a service=cart instance=cart-0",
		},
		"SkyWalking": {
			`{"traceId":"t1","traceSegmentId":"b","service":"cart","serviceInstance":"cart-0","spans":[{"spanId":0,"parentSpanId":-1,` +
				`"refs":[{"parentTraceSegmentId":"a","parentSpanId":3,"parentService":"shop"}],"startTime":1700000000123,"endTime":1700000000128,"operationName":"cart/Get","isError":true}]}`,
			5, "parent_span_id=a service=cart instance=cart-0 caller=shop",
		},
		"a table": {
			`{"time":"22:13","traceID":"t1","spanID":"b","serviceName":"cart","methodName":"Get","operationName":"cart/Get","startTimeMillis":1700000000123,` +
				`"startTime":1700000000123456,"duration":1503,"statusCode":2,"parentSpanID":"a"}`,
			1503, "parent_span_id=a service=cart",
		},
		"start and end alone": {
			`{"timestamp":"2023-11-14 22:13:20.123","service_name":"cart","trace_id":"t1","span_id":"b","parent_id":"a","start_time":"2023-11-14 22:13:20.123456",` +
				`"end_time":"2023-11-14 22:13:20.125456","url":"cart/Get","status_code":500,"message":"called"}`,
			2, "parent_span_id=a service=cart",
		},
		"a pod, success and an odd id": {
			`{"callType":"CSF","startTime":1700000000123,"elapsedTime":"35ms","success":"False","traceId":"t1","id":"b","pid":"a","cmdb_id":"cart","name":"cart/Get"}`,
			35, "parent_span_id=a instance=cart",
		},
		"a root": {
			`{"Timestamp":"2023-11-14T22:13:20.123Z","TraceId":"t1","SpanId":"b","ParentSpanId":"0000000000000000","SpanName":"cart/Get","ServiceName":"cart","Duration":7,"StatusCode":"STATUS_CODE_ERROR"}`,
			7, "service=cart",
		},
	} {
		t.Run(name, func(t *testing.T) {
			item, err := d.Message(Message{Subject: "hal9.signals.tr", Data: []byte(c.data), Seq: 1, Stored: time.Unix(1_800_000_000, 0)})
			if err != nil {
				t.Fatal(err)
			}
			s := item.Signal
			if s.Key != "cart" || !s.HasValue || s.Value != c.value || s.Type != "span" || s.Severity != layers.SeverityError {
				t.Errorf("key %q, value %v, type %q, severity %s: want a failed span of cart that took %v", s.Key, s.Value, s.Type, s.Severity, c.value)
			}
			if at := s.Time.Truncate(time.Millisecond); !at.Equal(time.UnixMilli(1_700_000_000_123)) {
				t.Errorf("time %s: want that of the span", s.Time)
			}
			var labels []string
			for _, name := range []string{labelParent, labelService, labelInstance, labelCaller, labelCallee} {
				if value := s.Labels[name]; value != "" {
					labels = append(labels, name+"="+value)
				}
			}
			if got := strings.Join(labels, " "); got != c.labels || s.Labels[labelOperation] != "cart/Get" || s.Labels[labelTrace] != "t1" {
				t.Errorf("labels %v: want %s, the operation and the trace", s.Labels, c.labels)
			}
		})
	}
}

func TestWhatIsNoSpan(t *testing.T) {
	d, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{
		`{"trace_id":"t1","span_id":"b","message":"served","duration":12,"host":"web-1"}`,
		`{"trace":{"id":"t1"},"message":"served","host":"web-1"}`,
		`{"traceId":"t1","spanId":"b","host":"web-1","duration":-3}`,
		`{"traceId":"t1","spanId":"b","host":"web-1","startTime":1700000000200,"endTime":1700000000100}`,
		`{"resourceSpans":[],"host":"web-1"}`,
	} {
		item, err := d.Message(Message{Subject: "hal9.signals.x", Data: []byte(data), Seq: 1, Stored: time.Unix(1, 0)})
		if err != nil || item.Signal.Key != "web-1" || item.Signal.Type == spanType || item.Signal.HasValue {
			t.Errorf("%s: key %q, type %q, value %v (%v): want what it was before", data, item.Signal.Key, item.Signal.Type, item.Signal.HasValue, err)
		}
	}
}

func TestOperationsDoNotDifferByTheirArguments(t *testing.T) {
	for text, want := range map[string]string{
		"cart/Get": "cart/Get", "/orders/4711/items?page=2": "/orders/*/items", "POST": "POST",
		"/users/9f8a7b6c5d4e3f2a1b0c": "/users/*", "/api/v1/x": "/api/v1/x",
	} {
		if got := operationName(text); got != want {
			t.Errorf("%s is %s: want %s", text, got, want)
		}
	}
}

func TestTimesUnderOtherNames(t *testing.T) {
	d, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	want := time.Unix(1_700_000_000, 0)
	for data, at := range map[string]time.Time{
		`{"host":"a","datetime":"2023-11-14 22:13:20"}`:                                           want,
		`{"host":"a","TimeUnixNano":1700000000000000000}`:                                         want,
		`{"host":"a","time":"2023-11-14 22:13:20 +0000 UTC m=+0.146282408"}`:                      want,
		`{"host":"a","time":"noon","event_time":1700000000}`:                                      want,
		`{"host":"a","date":"Tuesday"}`:                                                           time.Unix(5, 0),
		`{"host":"a","epoch":12}`:                                                                 time.Unix(5, 0),
		`{"host":"a","timestamp":"2023/11/14 22:13:20","date":"2001-01-01 00:00:00","message":1}`: want,
	} {
		item, err := d.Message(Message{Subject: "hal9.signals.x", Data: []byte(data), Seq: 1, Stored: time.Unix(5, 0)})
		if err != nil || !item.Signal.Time.Equal(at) {
			t.Errorf("%s: %s (%v): want %s", data, item.Signal.Time, err, at)
		}
	}
}
