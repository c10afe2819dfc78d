package operational

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// mentioning adds the entities that L2 found in a signal's data.
func mentioning(e *layers.Envelope, source string, pairs ...string) *layers.Envelope {
	e.Source = source
	for i := 0; i+1 < len(pairs); i += 2 {
		e.Findings.Mentions = append(e.Findings.Mentions, layers.Mention{Kind: pairs[i], Name: pairs[i+1]})
	}
	return e
}

// TestMentionsRelateSignals has senders that share no label, but name the same host in their data.
func TestMentionsRelateSignals(t *testing.T) {
	l, s := newLayer(t), &sent{}
	first := mentioning(s.flagged("a", midnight, layers.SeverityWarning, 0.6), "one", "instance", "web-1:9100")
	decide(t, l, first)
	same := mentioning(s.flagged("b", midnight.Add(time.Minute), layers.SeverityWarning, 0.6), "two", "service", "shop", "host", "web-1")
	wantDecision(t, decide(t, l, same), layers.DispositionFolded, "joined situation "+first.Findings.Situation.ID)
	other := mentioning(s.flagged("c", midnight.Add(time.Minute), layers.SeverityWarning, 0.6), "three", "host", "web-2")
	wantDecision(t, decide(t, l, other), layers.DispositionEscalated, "opened situation")
}

// TestMentionedMetricsAreSeriesOfTheirOwn has one host send two metrics under one name of a field.
func TestMentionedMetricsAreSeriesOfTheirOwn(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 200 {
		for _, metric := range []string{"cpu", "bytes"} {
			e := s.signal("web-1", midnight.Add(time.Duration(i)*time.Minute))
			e.Findings.Features = map[string]float64{"reading": steady(i)}
			if metric == "bytes" {
				e.Findings.Features["reading"] += 1e6
			}
			mentioning(e, e.Source, "metric", metric)
			if d := decide(t, l, e); d.Disposition != layers.DispositionResolved {
				t.Fatalf("sample %d of %s is %s: %s", i, metric, d.Disposition, d.Reason)
			}
		}
	}
	e := s.signal("web-1", midnight.Add(200*time.Minute))
	e.Findings.Features = map[string]float64{"reading": 1e6}
	if d := decide(t, l, mentioning(e, e.Source, "metric", "cpu")); d.Disposition == layers.DispositionResolved {
		t.Errorf("a cpu of a million is %s: %s", d.Disposition, d.Reason)
	}
}
