package expr

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestNumbersAndTexts(t *testing.T) {
	t.Parallel()
	s := &layers.Signal{
		Source: "shop", Key: "k", HasValue: true, Value: 1500, Labels: map[string]string{"code": "503", "odd": "a\xffb"},
		Data: []byte(`{"price":2.5,"paid":true,"name":"x","items":[1,2]}`),
	}
	for text, want := range map[string]struct {
		value float64
		ok    bool
	}{
		"value / 1000.0": {1.5, true}, "data.price": {2.5, true}, "data.paid": {1, true}, "double(labels.code)": {503, true}, "size(text)": {0, true},
		"data.name": {}, "data.nothing": {}, "double(labels.none)": {}, "value / 0.0": {}, "double(source)": {},
	} {
		number, err := Number(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if value, ok := number(s); ok != want.ok || ok && value != want.value {
			t.Errorf("%s is %v %v, want %v %v", text, value, ok, want.value, want.ok)
		}
	}
	for text, want := range map[string]string{
		"source": "shop", "data.price": "2.5", "data.paid": "true", "labels.odd": "a?b", "severity": "0", "labels.none": "", "data.items": "",
		`value > 1000.0 ? "slow" : "fast"`: "slow",
	} {
		label, err := Text(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := label(s); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
	if _, err := Number("source"); err == nil {
		t.Error("a text is taken for a number")
	}
	if _, err := Text("labels"); err == nil {
		t.Error("labels are taken for a text")
	}
}

func TestLatencyAndDuration(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	late, err := Verdict(`latency_ms > 1000.0 && type == "order"`)
	if err != nil {
		t.Fatal(err)
	}
	for took, want := range map[time.Duration]bool{time.Second: false, time.Second + time.Microsecond: true, -time.Hour: false} {
		if got := late(&layers.Verdict{Type: "order", ReceivedAt: at, DecidedAt: at.Add(took)}); got != want {
			t.Errorf("%s after its receipt: %v, want %v", took, got, want)
		}
	}
	long, err := Situation(`event == "closed" && duration_s >= 600.0 && revision == 3`)
	if err != nil {
		t.Fatal(err)
	}
	s := layers.Situation{Event: layers.SituationClosed, Revision: 3, OpenedAt: at, UpdatedAt: at.Add(time.Minute), ClosedAt: at.Add(10 * time.Minute)}
	if !long(&s) {
		t.Error("a situation of ten minutes is not")
	}
	s.ClosedAt = time.Time{}
	if long(&s) {
		t.Error("what is not closed lasts to its newest signal")
	}
}
