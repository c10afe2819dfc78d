package operational

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// span is one call of an operation of shop.
func (s *sent) span(at time.Time, operation string, took float64, failed bool) *layers.Envelope {
	e := s.value("shop", at, took)
	e.Type, e.Findings.TemplateID = "span", "shape"
	e.Labels = map[string]string{"span_id": fmt.Sprint("span-", s.n), "operation": operation, "instance": fmt.Sprint("shop-", s.n%3)}
	if failed {
		e.Severity = layers.SeverityError
	}
	return e
}

// TestOperationsHaveBaselinesOfTheirOwn: a slow call of a fast operation is news though another is always slow.
func TestOperationsHaveBaselinesOfTheirOwn(t *testing.T) {
	l, s, random := newLayer(t), &sent{}, rand.New(rand.NewPCG(1, 2))
	at := midnight
	for range 500 {
		at = at.Add(10 * time.Second)
		decide(t, l, s.span(at, "get", 10+random.Float64(), false))
		decide(t, l, s.span(at, "report", 900+90*random.Float64(), false))
	}
	slow := s.span(at.Add(time.Second), "get", 900, false)
	if decide(t, l, slow); !slow.Findings.Flagged {
		t.Errorf("anomaly %v of a call that took 90 times as long", slow.Findings.Anomaly)
	}
	usual := s.span(at.Add(2*time.Second), "report", 930, false)
	if decide(t, l, usual); usual.Findings.Flagged {
		t.Errorf("flagged as usual: %s", usual.Findings.FlagReason)
	}
}

// TestFailedSpansAreNewsWhereTheyAreMany: one of many fails now and then.
func TestFailedSpansAreNewsWhereTheyAreMany(t *testing.T) {
	l, s, random := newLayer(t), &sent{}, rand.New(rand.NewPCG(3, 4))
	at := midnight
	for i := range 2000 {
		at = at.Add(3 * time.Second)
		e := s.span(at, "get", 10+random.Float64(), i%400 == 7)
		if d := decide(t, l, e); d.Disposition == layers.DispositionEscalated {
			t.Fatalf("span %d: %s", i, d.Reason)
		}
	}
	for range 30 {
		at = at.Add(time.Second)
		if d := decide(t, l, s.span(at, "get", 10+random.Float64(), true)); d.Disposition == layers.DispositionEscalated {
			return
		}
	}
	t.Error("30 failures in 30 seconds open no situation")
}

// TestPartsOfAKeyHaveBaselinesOfTheirOwn: pods of one service differ.
func TestPartsOfAKeyHaveBaselinesOfTheirOwn(t *testing.T) {
	l, s, random := newLayer(t), &sent{}, rand.New(rand.NewPCG(5, 6))
	at := midnight
	sample := func(pod string, value float64) *layers.Envelope {
		e := s.value("shop", at, value)
		e.Labels = map[string]string{"service": "shop", "pod": pod}
		return e
	}
	for range 300 {
		at = at.Add(time.Minute)
		decide(t, l, sample("shop-1", 10+random.Float64()))
		decide(t, l, sample("shop-2", 500+random.Float64()))
	}
	at = at.Add(time.Minute)
	e := sample("shop-1", 500)
	if decide(t, l, e); !e.Findings.Flagged {
		t.Errorf("anomaly %v of a pod that became as another is", e.Findings.Anomaly)
	}
}

// TestWhatComesByChanceKeepsNoSituationOpen: in a large stream something is a little unusual all the time.
func TestWhatComesByChanceKeepsNoSituationOpen(t *testing.T) {
	l, s, random := newLayer(t), &sent{}, rand.New(rand.NewPCG(7, 8))
	at, opened, closed := midnight, time.Time{}, time.Time{}
	see := func(d layers.Decision) {
		for _, event := range d.Events {
			switch {
			case event.Situation == nil:
			case event.Situation.Event == layers.SituationOpened:
				opened = event.Situation.OpenedAt
			case event.Situation.Event == layers.SituationClosed:
				closed = event.Situation.ClosedAt
			}
		}
	}
	for minute := range 600 {
		at = at.Add(time.Minute)
		for i := range 200 {
			e := s.value(fmt.Sprint("host-", i), at, 10+random.NormFloat64())
			e.Labels = map[string]string{"cluster": "one"}
			see(decide(t, l, e))
		}
		if minute == 400 {
			e := s.value("host-7", at, 10_000)
			e.Labels = map[string]string{"cluster": "one"}
			see(decide(t, l, e))
			if !opened.Equal(at) {
				t.Fatalf("opened %s, not by what is a thousand times as much (%s)", opened, at)
			}
		}
	}
	if opened.IsZero() || closed.Sub(opened) > 45*time.Minute || !closed.After(opened) {
		t.Errorf("open from %s to %s", opened, closed)
	}
}

// TestOneRequestIsOneEvent: that all who waited for one slow call are slow adds nothing up; that others are does.
func TestOneRequestIsOneEvent(t *testing.T) {
	for _, same := range []bool{true, false} {
		l, s := newLayer(t), &sent{}
		c := l.correlator
		c.chance = func() float64 { return 5 }
		sum := 0.0
		for i := range 5 {
			e := s.value(fmt.Sprint("service-", i), midnight, 1)
			e.Findings.Anomaly = anomalyOf(4)
			e.Findings.Proof().Baseline = &layers.JudgedBaseline{Series: "value", Worth: 4}
			e.Labels = map[string]string{"namespace": "shop", "trace_id": "t"}
			if !same {
				e.Labels["trace_id"] = fmt.Sprint("t-", i)
			}
			m := c.newMember(e, midnight)
			sum = c.addUp(m)
			c.remember(m)
		}
		if alone := sum < 4.001; same != alone {
			t.Errorf("one request: %v, together %v", same, sum)
		}
	}
}

// TestOneOfWhatIsMostlyNoneIsWorthLittle: an error that never came may come, two in a row are more.
func TestOneOfWhatIsMostlyNoneIsWorthLittle(t *testing.T) {
	b := &baseline{}
	for i := range int64(1000) {
		b.observe(0, i*60, true, 3)
	}
	first := b.observe(1, 1000*60, true, 3).worth
	second := b.observe(1, 1001*60, true, 3).worth
	if first > 3.1 || second < 5 {
		t.Errorf("the first is worth %v and the second %v: want one in a thousand, and one in a million or so", first, second)
	}
}

// TestValuesAreCalledByTheirMetric in what people read.
func TestValuesAreCalledByTheirMetric(t *testing.T) {
	s := &sent{}
	e := s.value("shop", midnight, 1)
	if got := valueName(e); got != "value" {
		t.Errorf("called %q", got)
	}
	e.Findings.Mentions = []layers.Mention{{Kind: "metric", Name: "cpu_used"}}
	if got := valueName(e); got != "cpu_used" {
		t.Errorf("called %q", got)
	}
}
