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
