package implementation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

func TestDecisions(t *testing.T) {
	signal := func(change func(*layers.Signal)) *layers.Envelope {
		s := layers.Signal{ID: "i", Source: "s", Key: "k", Text: "cache is warm again"}
		change(&s)
		return &layers.Envelope{Signal: s}
	}
	tests := []struct {
		name   string
		e      *layers.Envelope
		want   layers.Disposition
		reason string
	}{
		{"known, unset", signal(func(*layers.Signal) {}), layers.DispositionResolved, "seen 2 times, severity unset, no value measured"},
		{"known, info", signal(func(s *layers.Signal) { s.Severity = layers.SeverityInfo }), layers.DispositionResolved, "routine: template #"},
		{"known, debug", signal(func(s *layers.Signal) { s.Severity = layers.SeverityDebug }), layers.DispositionResolved, "severity debug"},
		{"warning", signal(func(s *layers.Signal) { s.Severity = layers.SeverityWarning }), layers.DispositionEscalated, "seen 2 times, but of severity warning"},
		{"critical", signal(func(s *layers.Signal) { s.Severity = layers.SeverityCritical }), layers.DispositionEscalated, "severity critical"},
		{"value", signal(func(s *layers.Signal) { s.HasValue = true }), layers.DispositionEscalated, "carries a value"},
		{"first", signal(func(s *layers.Signal) { s.Text = "something new" }), layers.DispositionEscalated, "first of its template #"},
		{"no text", signal(func(s *layers.Signal) { s.Text, s.Data = "", []byte(`{"a":1}`) }), layers.DispositionEscalated, "no text to judge by"},
		{"nothing", signal(func(s *layers.Signal) { s.Text = "" }), layers.DispositionEscalated, "no text to judge by"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLayer(t, implementation.DefaultConfig())
			mine(t, l, "s", "cache is warm again")
			d := decide(t, l, test.e)
			if d.Disposition != test.want || !strings.Contains(d.Reason, test.reason) {
				t.Errorf("got %s because %q, want %s because of %q", d.Disposition, d.Reason, test.want, test.reason)
			}
		})
	}
}

func TestFeaturesOfAllKindsAreBounded(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	e := &layers.Envelope{Signal: layers.Signal{
		ID: "i", Source: "s", Key: "k", Text: "load=3 took 2s value=9", Value: 7, HasValue: true,
		Data: []byte(`{"load":1,"deep":{"x":2,"y":{"z":3}},"big":1e999,"text":"5","yes":true}`),
	}}
	decide(t, l, e)
	want := map[string]float64{"value": 7, "load": 1, "deep.x": 2, "took_seconds": 2}
	if diff := cmp.Diff(want, e.Findings.Features); diff != "" {
		t.Error(diff)
	}
	var wide strings.Builder
	for i := range 60 {
		wide.WriteString(`,"f` + strings.Repeat("x", i) + `":1`)
	}
	e.Data = []byte(`{` + wide.String()[1:] + `}`)
	decide(t, l, e)
	if n := len(e.Findings.Features); n != 32 || e.Findings.Features["value"] != 7 {
		t.Errorf("%d features: want 32 with the value", n)
	}
}

func TestHugeDataIsNotRead(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	e := &layers.Envelope{Signal: layers.Signal{ID: "i", Source: "s", Key: "k"}}
	e.Data = []byte(`{"a":1,"b":"` + strings.Repeat("x", 256<<10) + `"}`)
	if decide(t, l, e); e.Findings.Features != nil || e.Findings.TemplateID != "" {
		t.Errorf("findings %+v of more data than is read", e.Findings)
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	_, err := implementation.New(implementation.Config{MaxSources: -1, MaxTemplates: 0, MaxTotal: 2_000_000})
	for _, part := range []string{"max sources -1: want 1", "max templates 0", "max total 2000000"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v: want %q in it", err, part)
		}
	}
}
