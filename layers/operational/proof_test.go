package operational

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestProofSaysWhatWasExpected has a value leave its level and a message burst.
func TestProofSaysWhatWasExpected(t *testing.T) {
	t.Parallel()
	l, s := newLayer(t), &sent{}
	at := settle(t, l, s, "db", 200)
	usual := s.value("db", at, 41)
	decide(t, l, usual)
	if usual.Findings.Flagged || usual.Findings.Evidence != nil {
		t.Errorf("what is usual has evidence: %+v", usual.Findings.Evidence)
	}
	e := s.value("db", at.Add(time.Minute), 900)
	decide(t, l, e)
	p := e.Findings.Evidence.Baseline
	if p == nil || p.Series != "value" || p.Value != 900 || p.Usual < 38 || p.Usual > 44 || p.Low >= p.Usual || p.High <= p.Usual ||
		p.Samples != 202 || p.Score < p.Limit || p.Limit != l.cfg.Threshold || p.Surprise < 3 {
		t.Errorf("spike: %+v", p)
	}
	if p.Detector != "level" && p.Detector != "jump" {
		t.Errorf("a spike is found by %s", p.Detector)
	}
	for i := range 30 {
		decide(t, l, s.text("web", at.Add(time.Duration(i)*time.Minute), layers.SeverityInfo, "retry"))
	}
	var burst *layers.Envelope
	for range 50 {
		burst = s.text("web", at.Add(30*time.Minute), layers.SeverityInfo, "retry")
		decide(t, l, burst)
	}
	if e := burst.Findings.Evidence; e == nil || e.Baseline == nil || e.Baseline.Detector != "burst" || e.Baseline.Series != "rate" || e.Baseline.Value != 50 {
		t.Errorf("burst: %+v", e)
	}
}

func TestEveryDetectorHasAName(t *testing.T) {
	t.Parallel()
	b := &baseline{}
	seen := map[string]bool{}
	for _, d := range b.detectors() {
		seen[b.nameOf(d)] = true
	}
	if len(seen) != len(b.detectors()) {
		t.Errorf("%d names for %d detectors: %v", len(seen), len(b.detectors()), seen)
	}
}
