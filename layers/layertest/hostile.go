package layertest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// checkHostile sends input that means harm between normal input. It may be decided or refused
// with an error, but must not panic, and what was refused leaves no trace.
func checkHostile(tb testing.TB, h Harness) error {
	tb.Helper()
	normal, hostile := h.Envelopes(), Hostile()
	var both []*layers.Envelope
	for i, e := range normal {
		both = append(both, hostile[i%len(hostile)], e)
	}
	for range 2 { // Twice each: what was made of the first must stand the second.
		both = append(both, hostile...)
	}
	first, second := h.New(tb), h.New(tb)
	for i, e := range both {
		got, want := step(tb, first, i, e), step(tb, second, i, e)
		if err := differ([]outcome{got}, []outcome{want}, both[i:]); err != nil {
			return err
		}
		if got.Err != "" {
			continue
		}
		if err := errors.Join(CheckDecision(got.Decision), CheckFindings(&got.Findings)); err != nil {
			return fmt.Errorf("envelope %d (%.40q): %w", i, e.ID, err)
		}
	}
	if _, ok := first.(layers.Keeper); ok {
		_, err := restart(tb, h, first)
		return err
	}
	return nil
}

// Hostile returns envelopes at the edges of what ingest lets through and beyond: empty and
// huge strings, extreme times and numbers, broken text, deep and wide data.
func Hostile() []*layers.Envelope {
	var all []*layers.Envelope
	for i, change := range hostileChanges() {
		e := Flood(1_000_000 + i)
		e.ID = "hostile-" + strconv.Itoa(i)
		change(e)
		all = append(all, e)
	}
	return all
}

func hostileChanges() []func(*layers.Envelope) {
	huge := strings.Repeat("Ā\xff token=1 \x00", 20_000)
	changes := []func(*layers.Envelope){
		func(e *layers.Envelope) { *e = layers.Envelope{} },
		func(e *layers.Envelope) { e.ID, e.Source, e.Type, e.Key, e.Text, e.Data = "", "", "", "", "", nil },
		func(e *layers.Envelope) { e.Labels, e.Data = nil, nil },
		func(e *layers.Envelope) { e.Labels = map[string]string{} },
		func(e *layers.Envelope) { e.Text = huge },
		func(e *layers.Envelope) { e.ID, e.Source, e.Type, e.Key = huge, huge, huge, huge },
		func(e *layers.Envelope) { e.Text = strings.Repeat("a", 1<<20) },
		func(e *layers.Envelope) { e.Text = strings.Repeat("=[(:", 1<<14) },
		func(e *layers.Envelope) { e.Text = " \t\r\n\x00\x1b[31m \u2028 " },
		func(e *layers.Envelope) { e.Text = "\xff\xfe\xc0<*> %s %d {{.}}\n" + e.Text },
		func(e *layers.Envelope) { e.Time, e.ReceivedAt = time.Time{}, time.Time{} },
		func(e *layers.Envelope) { e.Time = time.Unix(math.MaxInt64/4, 0).UTC() },
		func(e *layers.Envelope) { e.Time = time.Unix(math.MinInt64/4, 0).UTC() },
		func(e *layers.Envelope) { e.ReceivedAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC) },
		func(e *layers.Envelope) { e.ReceivedAt = time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC) },
		func(e *layers.Envelope) { e.Severity = 255 },
		func(e *layers.Envelope) { e.Origin = math.MaxUint64 },
		func(e *layers.Envelope) { e.Type, e.Severity = "alert", layers.SeverityCritical },
		func(e *layers.Envelope) { e.Labels = manyLabels(64, "v") },
		func(e *layers.Envelope) { e.Labels = manyLabels(64, huge[:2000]) },
		func(e *layers.Envelope) {
			e.Labels = map[string]string{"": "", "alertstatus": "nonsense", "a\x00b": "\xff"}
		},
		func(e *layers.Envelope) {
			e.Text, e.Data = "", []byte(strings.Repeat("[", 9000)+strings.Repeat("]", 9000))
		},
		func(e *layers.Envelope) {
			e.Text, e.Data = "", []byte(strings.Repeat(`{"a":`, 9000)+"1"+strings.Repeat("}", 9000))
		},
		func(e *layers.Envelope) { e.Text, e.Data = "", []byte(`{"n":1e400,"m":-1e400,"z":-0,"":1,"x":1e-400}`) },
		func(e *layers.Envelope) { e.Text, e.Data = "", wideData(5000) },
		func(e *layers.Envelope) { e.Text, e.Data = "", []byte(`null`) },
		func(e *layers.Envelope) { e.Text, e.Data = "", []byte(`"text \ud800 \u0000"`) },
		func(e *layers.Envelope) { e.Text, e.Data = "", []byte(`{"no json`) },
		func(e *layers.Envelope) { e.Hops = make([]layers.Hop, 1000) },
	}
	for _, v := range []float64{math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), 1e300, -1e300} {
		changes = append(changes, func(e *layers.Envelope) { e.Value, e.HasValue, e.Key = v, true, "one" })
	}
	return changes
}

func manyLabels(n int, value string) map[string]string {
	labels := make(map[string]string, n)
	for i := range n {
		labels["label_"+strconv.Itoa(i)] = value + strconv.Itoa(i)
	}
	return labels
}

func wideData(n int) []byte {
	data := []byte("{")
	for i := range n {
		data = append(data, `"field_`+strconv.Itoa(i)+`":`+strconv.Itoa(i)+`,`...)
	}
	return append(data, `"last":{"deep":1}}`...)
}
