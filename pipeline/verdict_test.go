package pipeline

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/2lab-ai/hal9/layers"
)

// FuzzVerdict compares with encoding/json: whoever reads verdicts must not notice who wrote them.
func FuzzVerdict(f *testing.F) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 123456789, time.UTC).Unix()
	for _, text := range []string{
		"", "plain", `"quoted" \back\`, "<b>&amp;</b>", "\x00\x01\x1f\x7f\t\r\n\b\f", "\xff\xc3\x28\xed\xa0\x80", "\u2028\u2029\ufffd",
		"Gr\u00fc\u00dfe \U0001f525", strings.Repeat("x", 5000) + "\"",
	} {
		f.Add(text, "r", 0.5, at, int64(1), uint64(3), int64(-7))
		f.Add("id", text, 1e-9, -at, int64(999_999_999), uint64(8), int64(math.MaxInt64))
	}
	f.Add("a", "b", math.NaN(), at, int64(0), uint64(0), int64(0))
	f.Add("a", "b", math.Inf(1), at, int64(0), uint64(0), int64(0))
	f.Add("a", "b", math.Copysign(0, -1), int64(253402300800), int64(0), uint64(1), int64(0)) // the year 10000
	f.Add("a", "b", 1e21, int64(-62167219201), int64(0), uint64(1), int64(0))                 // the year -1
	f.Fuzz(func(t *testing.T, text, reason string, anomaly float64, seconds, nanos int64, seed uint64, us int64) {
		r := newRandom(seed)
		v := layers.Verdict{
			SignalID: text, Source: randomText(r), Key: text + reason, Layer: layers.Name(1 + seed%5), Disposition: layers.Disposition(1 + seed%5),
			Reason: reason, Rule: randomText(r), TemplateID: randomText(r), Template: text, Anomaly: anomaly, SituationID: randomText(r),
			PlanID: randomText(r), Severity: layers.Severity(seed % 6), EventTime: time.Unix(seconds%(1<<40), nanos%1e9).UTC(),
			ReceivedAt: randomTime(r), DecidedAt: randomTime(r), TraceID: randomText(r),
			Hops: make([]layers.Hop, seed%4),
		}
		for i := range v.Hops {
			v.Hops[i] = layers.Hop{Layer: layers.Name(1 + i), WaitUS: us, ProcessUS: -us}
		}
		want, wantErr := json.Marshal(&v)
		got, err := appendVerdict([]byte("["), &v)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("error %v, encoding/json's is %v", err, wantErr)
		}
		if err != nil {
			return
		}
		got = append(got, ']')
		if !json.Valid(got) {
			t.Fatalf("no JSON: %s", got)
		}
		var ours []layers.Verdict
		var theirs layers.Verdict
		if err := json.Unmarshal(got, &ours); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(want, &theirs); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(theirs, ours[0], cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("verdict differs (-encoding/json +own):\n%s", diff)
		}
		if diff := cmp.Diff(fieldsOf(t, want), fieldsOf(t, got[1:len(got)-1])); diff != "" {
			t.Fatalf("fields differ (-encoding/json +own):\n%s", diff)
		}
	})
}

// fieldsOf returns names and values as any reader sees them, numbers as they are written.
func fieldsOf(t *testing.T, data []byte) map[string]any {
	t.Helper()
	fields := map[string]any{}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	if err := decoder.Decode(&fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestVerdictWithoutHopsHasAnEmptyList(t *testing.T) {
	got, err := appendVerdict(nil, &layers.Verdict{Layer: layers.NameL1, Disposition: layers.DispositionResolved})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"signal_id":"","source":"","key":"","layer":"L1","disposition":"resolved","reason":"",` +
		`"event_time":"0001-01-01T00:00:00Z","received_at":"0001-01-01T00:00:00Z","decided_at":"0001-01-01T00:00:00Z","trace_id":"","hops":[]}`
	if string(got) != want {
		t.Errorf("verdict is\n%s, want\n%s", got, want)
	}
}
