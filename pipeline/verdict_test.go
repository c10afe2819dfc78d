package pipeline

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/2lab-ai/hal9/layers"
)

// decoded returns a verdict as a reader of its JSON form has it.
func decoded(t *testing.T, text []byte) layers.Verdict {
	t.Helper()
	var v layers.Verdict
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// wantAsStandard fails where the encoder's form of a verdict reads otherwise than that of encoding/json.
func wantAsStandard(t *testing.T, v *layers.Verdict) {
	t.Helper()
	want, failed := json.Marshal(v)
	got, err := appendVerdict([]byte("before"), v)
	if (err != nil) != (failed != nil) {
		t.Fatalf("error %v, encoding/json has %v", err, failed)
	}
	if err != nil {
		return
	}
	text, ok := strings.CutPrefix(string(got), "before")
	if !ok || !json.Valid([]byte(text)) || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\t\x00") {
		t.Fatalf("no line of JSON: %s", got)
	}
	if diff := cmp.Diff(decoded(t, want), decoded(t, []byte(text)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("it reads otherwise than what encoding/json writes (-want +got):\n%s", diff)
	}
	wantReadAsStandard(t, want)
	wantReadAsStandard(t, []byte(text))
}

// wantReadAsStandard fails where ReadVerdict reads a verdict otherwise than encoding/json does.
func wantReadAsStandard(t *testing.T, text []byte) {
	t.Helper()
	var got layers.Verdict
	if err := ReadVerdict(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if diff := cmp.Diff(decoded(t, text), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("ReadVerdict reads it otherwise than encoding/json does (-want +got):\n%s", diff)
	}
}

// oddTexts are strings that need care.
var oddTexts = []string{
	"", "plain", `"\`, "\x00\x1f\n\r\t\b\f", "\x7f", "Grüße 😀", "\xff\xfe", "cut \xf0\x9f\x98", "a\u2028b\u2029", "</script>&", "\xed\xa0\x80",
}

func TestVerdictIsThatOfEncodingJSON(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 120, time.UTC)
	numbers := []float64{0, 1, 0.1, 1e-7, 5e-324, math.MaxFloat64, -0.5, math.NaN(), math.Inf(-1)}
	times := []time.Time{{}, at, at.In(time.FixedZone("", 5*3600+1800)), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i, text := range oddTexts {
		for j, number := range numbers {
			odd := func(n int) string { return oddTexts[(i+n)%len(oddTexts)] }
			wantAsStandard(t, &layers.Verdict{
				SignalID: text, Source: odd(1), Key: odd(2), Layer: layers.NameL1 + layers.Name(i%5),
				Disposition: layers.DispositionSuppressed + layers.Disposition(j%5), Reason: odd(3), Rule: odd(4),
				TemplateID: odd(5), Template: odd(6), Anomaly: number, SituationID: odd(7), PlanID: odd(8), Severity: layers.Severity(j % 6),
				EventTime: times[i%len(times)], ReceivedAt: times[j%4], DecidedAt: at, TraceID: odd(9),
				Type: odd(10), Value: &numbers[(i+j)%len(numbers)],
				Hops: make([]layers.Hop, 0, 3), Marks: []layers.Mark{{Of: odd(2), Good: j%2 == 0, Labels: []string{odd(3), odd(4)}}, {Of: odd(5), Value: numbers[(j+3)%len(numbers)]}},
			})
		}
	}
	for n := range 4 {
		hops := make([]layers.Hop, 0, n)
		for i := range n {
			hops = append(hops, layers.Hop{Layer: layers.NameL1 + layers.Name(i), WaitUS: math.MinInt64, ProcessUS: math.MaxInt64 - int64(i)})
		}
		wantAsStandard(t, &layers.Verdict{Layer: layers.NameL2, Disposition: layers.DispositionDead, Hops: hops})
	}
}

func TestReadVerdictOfOthers(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{"signal_id":null,"hops":null,"unknown":{"a":[1]}}`,
		` { "signal_id" : "a" , "hops" : [ { "layer" : "L1" , "later" : 1 } ] , "classes":[{"label":"disk","strength":0.75,"flags":true}] } `,
		`{"evidence":{"flag":"burst","tuning":{"L3":2}},"marks":[{"of":"x","good":true,"labels":["a","b"]},{"of":"y","value":-1e-9}],"value":0}`,
	} {
		wantReadAsStandard(t, []byte(text))
	}
}

func TestReadVerdictRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "JSON object", `[]`: "JSON object", `{"key":"a"`: "JSON object", `{"signal_id":1}`: "signal_id", `{"layer":"L9"}`: "layer", `{"disposition":"gone"}`: "disposition",
		`{"event_time":"noon"}`: "event_time", `{"anomaly":"much"}`: "anomaly", `{"hops":{}}`: "hops", `{"hops":[1]}`: "hops", `{"hops":[{"wait_us":1.5}]}`: "hops",
		`{"marks":[{"good":1.0}]}`: "marks", `{"classes":1}`: "classes", `{"evidence":[]}`: "evidence",
	} {
		if err := ReadVerdict([]byte(text), new(layers.Verdict)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one about %s", text, err, want)
		}
	}
}

func FuzzReadVerdict(f *testing.F) {
	f.Add([]byte(`{"signal_id":"a","layer":"L2","hops":[{"layer":"L1","wait_us":3}],"marks":[{"of":"x"}],"event_time":"2026-11-23T08:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want layers.Verdict
		if ReadVerdict(data, &got) == nil && json.Unmarshal(data, &want) == nil && got.SignalID != "" && want.SignalID == "" {
			t.Errorf("%q has no id for encoding/json, and %q for ReadVerdict", data, got.SignalID)
		}
	})
}

func BenchmarkReadVerdict(b *testing.B) {
	text, err := appendVerdict(nil, &layers.Verdict{
		SignalID: "b00000300", Source: "agent", Key: "node-300", Layer: layers.NameL5, Disposition: layers.DispositionResolved, Reason: "passed through five layers",
		TemplateID: "t0123456789abcdef", Template: "request from <*> took <*> ms", TraceID: "412cbe0dced837cc3f113b1878c97829",
		EventTime: time.Unix(1795771894, 887368997).UTC(), ReceivedAt: time.Unix(1795771895, 0).UTC(), DecidedAt: time.Unix(1795771896, 0).UTC(), Hops: make([]layers.Hop, 0, 5),
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func([]byte, *layers.Verdict) error{
		"own": ReadVerdict, "encoding-json": func(data []byte, v *layers.Verdict) error { return json.Unmarshal(data, v) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var v layers.Verdict
				if err := read(text, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzVerdict(f *testing.F) {
	for i, text := range oddTexts {
		f.Add(text, oddTexts[(i+1)%len(oddTexts)], 0.5, int64(i), byte(i), int64(-1))
	}
	f.Fuzz(func(t *testing.T, one, two string, number float64, seconds int64, which byte, hop int64) {
		at := time.Unix(seconds, hop).UTC()
		wantAsStandard(t, &layers.Verdict{
			SignalID: one, Source: two, Key: one + two, Layer: layers.NameL1 + layers.Name(which%5),
			Disposition: layers.DispositionSuppressed + layers.Disposition(which/5%5), Reason: two, Rule: one, TemplateID: two, Template: one,
			Anomaly: number, SituationID: two, PlanID: one, Severity: layers.Severity(which / 25 % 6),
			EventTime: at, ReceivedAt: at, DecidedAt: at, TraceID: two,
			Hops: []layers.Hop{{Layer: layers.NameL1, WaitUS: hop, ProcessUS: seconds}},
		})
	})
}
