package operational

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// firing returns an alert whose key and template are known to the layer already.
func (s *sent) firing(key string, at time.Time, severity layers.Severity) *layers.Envelope {
	e := s.text(key, at, severity, "DiskWillFill")
	e.Type, e.Labels = "alert", map[string]string{"alertstatus": "firing", "host": key}
	return e
}

func TestAlertThatFiresOpensOrJoins(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := midnight
	for range 60 { // its errors are known, and far apart
		at = at.Add(time.Hour)
		decide(t, l, s.text("web-1", at, layers.SeverityError, "DiskWillFill"))
	}
	at = at.Add(time.Hour)
	wantDecision(t, decide(t, l, s.firing("web-1", at, layers.SeverityWarning)), layers.DispositionResolved, "an alert fires: DiskWillFill; too mild")
	first := s.firing("web-1", at.Add(time.Minute), layers.SeverityError)
	wantDecision(t, decide(t, l, first), layers.DispositionEscalated, "opened situation", "an alert fires: DiskWillFill")
	wantDecision(t, decide(t, l, s.firing("web-1", at.Add(2*time.Minute), layers.SeverityWarning)), layers.DispositionFolded)
	late := s.firing("web-1", at.Add(-10*time.Minute), layers.SeverityError)
	if d := decide(t, l, late); d.Disposition == layers.DispositionResolved {
		t.Errorf("an alert that began long ago is %s: %s", d.Disposition, d.Reason)
	}
	over := s.firing("web-2", at.Add(3*time.Hour), layers.SeverityInfo)
	over.Labels["alertstatus"] = "resolved"
	wantDecision(t, decide(t, l, over), layers.DispositionResolved)
}

// TestBurstOfRoutineSignals has L2's pulse tell how many there were.
func TestBurstOfRoutineSignals(t *testing.T) {
	l, s := newLayer(t), &sent{}
	pulse := func(i int, lines float64) layers.Decision {
		e := s.text("web-1", midnight.Add(time.Duration(i)*time.Minute), layers.SeverityInfo, "fine")
		e.Findings.Pulse, e.Findings.Features = true, map[string]float64{layers.FeatureRoutine: lines}
		return decide(t, l, e)
	}
	for i := range 500 {
		wantDecision(t, pulse(i, 10*steady(i)), layers.DispositionResolved, "it shows that its key is alive")
	}
	wantDecision(t, pulse(500, 5_000), layers.DispositionEscalated, "opened situation", "routine signals a minute: 5000 is far above")
}

// TestHeartbeatThatComesAMinuteLateIsNoNews has one routine signal about every minute, so that now and then a minute has none and the next one two.
func TestHeartbeatThatComesAMinuteLateIsNoNews(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 2_000 {
		lines := map[int]float64{500: 0.5, 501: 2, 900: 1.0 / 3, 901: 2}[i]
		if lines == 0 {
			lines = 1
		}
		e := s.text("web-1", midnight.Add(time.Duration(i)*time.Minute), layers.SeverityInfo, "fine")
		e.Findings.Pulse, e.Findings.Features = true, map[string]float64{layers.FeatureRoutine: lines}
		wantDecision(t, decide(t, l, e), layers.DispositionResolved, "it shows that its key is alive")
	}
}
