package operational

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
)

// midnight is the event time at which the tests begin.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newLayer(tb testing.TB, change ...func(*Config)) *Layer {
	tb.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	l, err := New(cfg, true, conditions)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// sent makes envelopes with distinct ids.
type sent struct{ n uint64 }

func (s *sent) signal(key string, at time.Time) *layers.Envelope {
	s.n++
	return &layers.Envelope{
		Signal: layers.Signal{ID: "id-" + strconv.FormatUint(s.n, 10), Source: "test", Key: key, Time: at},
		Origin: s.n, ReceivedAt: at.Add(time.Second),
	}
}

func (s *sent) value(key string, at time.Time, value float64) *layers.Envelope {
	e := s.signal(key, at)
	e.Type, e.Value, e.HasValue = "metric", value, true
	return e
}

func (s *sent) text(key string, at time.Time, severity layers.Severity, text string) *layers.Envelope {
	e := s.signal(key, at)
	e.Type, e.Severity, e.Text = "log", severity, text
	e.Findings.TemplateID, e.Findings.Template = "t-"+text, text
	return e
}

// steady returns a value near 41 that repeats no pattern.
func steady(i int) float64 { return 41 + 2*math.Sin(float64(i)*1.7) + math.Sin(float64(i)*0.61) }

func decide(tb testing.TB, l layers.Layer, e *layers.Envelope) layers.Decision {
	tb.Helper()
	d, err := l.Decide(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	if err := layertest.CheckDecision(d); err != nil {
		tb.Fatalf("%s: %v", e.ID, err)
	}
	return d
}

// settle feeds a key with n steady samples, a minute apart, and returns the time of the next.
func settle(tb testing.TB, l layers.Layer, s *sent, key string, n int) time.Time {
	tb.Helper()
	for i := range n {
		if d := decide(tb, l, s.value(key, midnight.Add(time.Duration(i)*time.Minute), steady(i))); d.Disposition != layers.DispositionResolved {
			tb.Fatalf("steady sample %d: %s: %s", i, d.Disposition, d.Reason)
		}
	}
	return midnight.Add(time.Duration(n) * time.Minute)
}

func wantDecision(tb testing.TB, d layers.Decision, want layers.Disposition, parts ...string) {
	tb.Helper()
	if d.Disposition != want {
		tb.Errorf("disposition %s (%s): want %s", d.Disposition, d.Reason, want)
	}
	for _, part := range parts {
		if !strings.Contains(d.Reason, part) {
			tb.Errorf("reason %q: want %q in it", d.Reason, part)
		}
	}
}

// events lists what was announced, such as "opened 1".
func events(d []layers.Event) []string {
	var said []string
	for _, event := range d {
		said = append(said, string(event.Situation.Event)+" "+strconv.Itoa(event.Situation.Members))
	}
	return said
}

func TestConformance(t *testing.T) {
	for _, correlator := range []bool{true, false} {
		t.Run("correlator="+strconv.FormatBool(correlator), func(t *testing.T) {
			layertest.Run(t, layertest.Harness{
				New: func(tb testing.TB) layers.Layer {
					tb.Helper()
					l, err := New(DefaultConfig(), correlator, conditions)
					if err != nil {
						tb.Fatal(err)
					}
					return l
				},
				Envelopes: func() []*layers.Envelope { return layertest.Mined(3, 1500) },
				Failing: func() []*layers.Envelope {
					var s sent
					return []*layers.Envelope{s.value("host-1", midnight, math.NaN()), s.value("host-2", midnight, math.Inf(1))}
				},
				MaxSnapshotBytes: 20 << 20,
				MaxHeapBytes:     60 << 20,
			})
		})
	}
}

func TestSpikeIsFlaggedWithItsReason(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := settle(t, l, s, "web-1", 120)
	spike := s.value("web-1", at, 812)
	d := decide(t, l, spike)
	wantDecision(t, d, layers.DispositionEscalated, "opened situation sit-", "value 812 is far above its usual 38", "median 41", "121 samples")
	if f := spike.Findings; !f.Flagged || f.Anomaly < 0.9 || f.Situation == nil || f.Situation.Severity != layers.SeverityError {
		t.Errorf("findings %+v: want a flagged, extreme anomaly and its situation", f)
	}
	if got := events(d.Events); len(got) != 1 || got[0] != "opened 1" {
		t.Errorf("events %v: want opened 1", got)
	}
	normal := s.value("web-1", at.Add(10*time.Minute), 41)
	decide(t, l, s.value("web-1", at.Add(9*time.Minute), 41))
	wantDecision(t, decide(t, l, normal), layers.DispositionResolved, "value 41 is within its usual 38")
}

func TestLearningFlagsNothing(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range baselineMinSamples {
		value := 1.0
		if i == baselineMinSamples/2 {
			value = 1e9
		}
		d := decide(t, l, s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), value))
		wantDecision(t, d, layers.DispositionResolved, "still learning what is normal: "+strconv.Itoa(i+1)+" of 30 samples")
	}
}

func TestLevelShiftIsOneSituation(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := settle(t, l, s, "web-1", 300)
	var opened, flagged int
	for i := range 300 {
		e := s.value("web-1", at.Add(time.Duration(i)*time.Minute), 30+steady(i))
		d := decide(t, l, e)
		if d.Disposition == layers.DispositionEscalated {
			opened++
		}
		if e.Findings.Flagged {
			flagged++
		}
		if i == 299 {
			wantDecision(t, d, layers.DispositionResolved, "its usual")
		}
	}
	if opened != 1 || flagged < 3 || flagged > 150 {
		t.Errorf("a new level opened %d situations with %d flagged samples: want 1, with a few until it is usual", opened, flagged)
	}
}

func TestFeaturesAreSeriesOfTheirOwn(t *testing.T) {
	l, s := newLayer(t), &sent{}
	order := func(i int, amount float64) *layers.Envelope {
		e := s.signal("shop-1", midnight.Add(time.Duration(i)*10*time.Minute))
		e.Type, e.Findings.Features = "order", map[string]float64{"amount": amount, "items": float64(i % 7)}
		return e
	}
	for i := range 200 {
		wantDecision(t, decide(t, l, order(i, 100*steady(i))), layers.DispositionResolved)
	}
	wantDecision(t, decide(t, l, order(200, 1e6)), layers.DispositionEscalated, "amount 1000000 is far above its usual")
}

func TestMetricsOfOneKeyAreNotMixed(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 200 {
		for name, factor := range map[string]float64{"cpu": 1, "memory": 1e9} {
			e := s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), factor*steady(i))
			e.Labels = map[string]string{"__name__": name}
			wantDecision(t, decide(t, l, e), layers.DispositionResolved)
		}
	}
}

func TestWhatAnotherPartitionFlaggedSkipsTheBaseline(t *testing.T) {
	cfg := DefaultConfig()
	sender, err := New(cfg, false, conditions)
	if err != nil {
		t.Fatal(err)
	}
	s := &sent{}
	e := s.value("web-1", settle(t, sender, s, "web-1", 100), 812)
	d := decide(t, sender, e)
	if !d.Correlate || d.Disposition != layers.DispositionEscalated || len(d.Events) != 0 || !e.Findings.Flagged {
		t.Fatalf("decision %+v: want it escalated to the correlator", d)
	}
	correlator := newLayer(t)
	wantDecision(t, decide(t, correlator, e), layers.DispositionEscalated, "opened situation", "value 812 is far above")
	if n := len(correlator.keys.byID); n != 0 {
		t.Errorf("the correlator learnt %d keys of another partition", n)
	}
}

func TestNotANumberFailsPermanently(t *testing.T) {
	l, s := newLayer(t), &sent{}
	if _, err := l.Decide(t.Context(), s.value("web-1", midnight, math.NaN())); !layers.IsPermanent(err) {
		t.Errorf("error %v: want a permanent one", err)
	}
}

func TestManyLooksFindLess(t *testing.T) {
	anomaly := func(features int) float64 {
		l, s := newLayer(t), &sent{}
		var last *layers.Envelope
		for i := range 201 {
			last = s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), steady(i))
			last.Findings.Features = map[string]float64{}
			for f := range features {
				last.Findings.Features["f"+strconv.Itoa(f)] = float64(f)
			}
			if i == 200 {
				last.Value = 50
			}
			decide(t, l, last)
		}
		return last.Findings.Anomaly
	}
	if alone, among := anomaly(0), anomaly(20); among >= alone || among == 0 {
		t.Errorf("anomaly %v alone and %v among other numbers: want less among others", alone, among)
	}
}

// TestClassThatFlags has L2's neurons see something in a signal that is usual by its baselines: it opens a situation, and is learnt.
func TestClassThatFlags(t *testing.T) {
	for name, c := range map[string]struct {
		class    layers.Class
		severity layers.Severity
		anomaly  float64
	}{
		"flags":                {layers.Class{Label: "memory", Strength: 0.6, Flags: true}, 0, 0.8},
		"flags what is grave":  {layers.Class{Label: "memory", Strength: 0.6, Flags: true}, layers.SeverityCritical, 1},
		"only says what it is": {layers.Class{Label: "memory", Strength: 0.9}, 0, 0},
	} {
		l, s := newLayer(t), &sent{}
		for i := range 100 {
			decide(t, l, s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), steady(i)))
		}
		e := s.value("web-1", midnight.Add(100*time.Minute), steady(100))
		e.Severity, e.Findings.Classes = c.severity, []layers.Class{c.class}
		d := decide(t, l, e)
		if opened := len(d.Events) == 1; opened != (c.anomaly > 0) || e.Findings.Anomaly != c.anomaly && c.anomaly > 0 {
			t.Errorf("%s: opened a situation: %t, with an anomaly of %v: %s", name, opened, e.Findings.Anomaly, d.Reason)
		}
		if series := l.keys.newest.series; len(series) == 0 || series[len(series)-1].numeric != nil && series[len(series)-1].numeric.samples() != 101 {
			t.Errorf("%s: the sample was not learnt", name)
		}
	}
}
