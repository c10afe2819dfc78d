package operational

import (
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// chatter sends n warnings of one message, one each 20 seconds, and returns the time after it.
func chatter(t *testing.T, l *Layer, s *sent, n int) time.Time {
	t.Helper()
	for i := range n {
		d := decide(t, l, s.text("web-1", midnight.Add(time.Duration(i)*20*time.Second), layers.SeverityWarning, "slow query"))
		if i > 0 {
			wantDecision(t, d, layers.DispositionResolved)
		}
	}
	return midnight.Add(time.Duration(n) * 20 * time.Second)
}

func TestBurst(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := chatter(t, l, s, 200)
	wantDecision(t, decide(t, l, s.text("web-1", at, layers.SeverityWarning, "slow query")),
		layers.DispositionResolved, "within 1m, as usual for this message of this key (mean 2.9")
	var escalated, folded int
	for i := range 100 {
		e := s.text("web-1", at.Add(time.Duration(i)*100*time.Millisecond), layers.SeverityWarning, "slow query")
		switch d := decide(t, l, e); d.Disposition {
		case layers.DispositionEscalated:
			escalated++
			wantDecision(t, d, layers.DispositionEscalated, "within 1m of this message of this key, where 0..")
		case layers.DispositionFolded:
			folded++
		}
	}
	if escalated != 1 || folded < 80 {
		t.Errorf("a burst of 100: %d escalated, %d folded: want 1 and most", escalated, folded)
	}
}

func TestQuietMessageThatComesOftenIsABurst(t *testing.T) {
	l, s := newLayer(t), &sent{}
	decide(t, l, s.text("web-1", midnight, layers.SeverityWarning, "disk slow"))
	flagged := false
	for i := range 30 {
		e := s.text("web-1", midnight.Add(24*time.Hour+time.Duration(i)*time.Second), layers.SeverityWarning, "disk slow")
		decide(t, l, e)
		flagged = flagged || e.Findings.Anomaly >= l.cfg.Threshold
	}
	if !flagged {
		t.Error("30 in a minute after one in a day: want a burst")
	}
}

func TestNovelty(t *testing.T) {
	tests := []struct {
		name     string
		severity layers.Severity
		isNew    bool
		want     layers.Disposition
		reason   string
	}{
		{"new info", layers.SeverityInfo, true, layers.DispositionResolved, "learning"},
		{"new warning", layers.SeverityWarning, true, layers.DispositionEscalated, "message never seen before, severity warning: tea is cold"},
		{"known warning, new to the key", layers.SeverityWarning, false, layers.DispositionResolved, "first of its kind for this key"},
		{"first error of the key", layers.SeverityError, false, layers.DispositionEscalated, "first error of this key: tea is cold"},
		{"critical", layers.SeverityCritical, false, layers.DispositionEscalated, "critical: tea is cold"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, s := newLayer(t), &sent{}
			e := s.text("pot-1", midnight, test.severity, "tea is cold")
			e.Findings.NewTemplate = test.isNew
			wantDecision(t, decide(t, l, e), test.want, test.reason)
		})
	}
}

func TestUsualErrorsAreResolved(t *testing.T) {
	l, s := newLayer(t), &sent{}
	escalated := 0
	var last layers.Decision
	for i := range 120 {
		last = decide(t, l, s.text("web-1", midnight.Add(time.Duration(i)*time.Minute), layers.SeverityError, "upstream failed"))
		if last.Disposition == layers.DispositionEscalated {
			escalated++
		}
	}
	wantDecision(t, last, layers.DispositionResolved, "as usual for this message")
	if escalated != 1 {
		t.Errorf("%d escalated: want the first error only", escalated)
	}
}

func TestCriticalAlwaysOpensOrJoins(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 500 {
		e := s.text("web-1", midnight.Add(time.Duration(i)*time.Second), layers.SeverityCritical, "on fire")
		d := decide(t, l, e)
		want := layers.DispositionFolded
		if i == 0 {
			want = layers.DispositionEscalated
		}
		wantDecision(t, d, want)
		if e.Findings.Anomaly != 1 {
			t.Fatalf("anomaly %v of a critical: want 1", e.Findings.Anomaly)
		}
	}
}

func TestLateSignalsAreCountedAndNotLearnt(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := settle(t, l, s, "web-1", 100)
	samples := l.keys.byID[keyID{"test", "web-1"}].series[0].numeric.samples()
	for i := range 3 {
		d := decide(t, l, s.value("web-1", at.Add(-10*time.Minute), 1e6))
		wantDecision(t, d, layers.DispositionResolved, "late: 9m behind", "where 1m is allowed", "late signal "+number(float64(i+1)))
	}
	k := l.keys.byID[keyID{"test", "web-1"}]
	if got := k.series[0].numeric.samples(); got != samples || k.late != 3 {
		t.Errorf("%v samples and %d late: want %v and 3", got, k.late, samples)
	}
	wantDecision(t, decide(t, l, s.value("web-1", at.Add(-90*time.Second), 41)), layers.DispositionResolved, "within its usual")
	wantDecision(t, decide(t, l, s.text("web-1", at.Add(-time.Hour), layers.SeverityCritical, "on fire")), layers.DispositionEscalated)
	wantDecision(t, decide(t, l, s.text("web-2", at, layers.SeverityInfo, "hello")), layers.DispositionResolved)
	wantDecision(t, decide(t, l, s.text("web-2", at.Add(-time.Hour), layers.SeverityError, "late but new")), layers.DispositionEscalated)
}

func TestTimeThatWentBackIsFollowed(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := settle(t, l, s, "web-1", 100)
	decide(t, l, s.value("web-1", at.AddDate(100, 0, 0), 41)) // one absurd time stamp
	resumed := -1
	for i := range 20 {
		e := s.value("web-1", at.Add(time.Duration(i)*time.Minute), 41)
		if d := decide(t, l, e); resumed < 0 && d.Reason[:4] != "late" {
			resumed = i
		}
	}
	if resumed != lateRunsToReset-1 {
		t.Errorf("resumed at %d: want after %d late signals in a row", resumed, lateRunsToReset)
	}
}

func TestRateFollowsTimeThatWentBack(t *testing.T) {
	l, s := newLayer(t), &sent{}
	at := chatter(t, l, s, 200)
	decide(t, l, s.text("web-1", at.AddDate(100, 0, 0), layers.SeverityWarning, "slow query"))
	for i := range 200 {
		e := s.text("web-1", at.Add(time.Duration(i)*20*time.Second), layers.SeverityWarning, "slow query")
		if d := decide(t, l, e); e.Findings.Flagged {
			t.Fatalf("signal %d at the usual rate is flagged: %s", i, d.Reason)
		}
	}
}

// TestCriticalSignalsThatOvertakeMakeNothingLate has a critical signal come hours before what stands in front of it.
func TestCriticalSignalsThatOvertakeMakeNothingLate(t *testing.T) {
	w := newWorld(t, newLayer(t))
	say := func(minute int, severity layers.Severity, text string) (layers.Decision, *layers.Envelope) {
		e := w.s.text("web-1", midnight.Add(time.Duration(minute)*time.Minute), severity, text)
		return w.send(e), e
	}
	d, _ := say(0, layers.SeverityCritical, "disk full")
	wantDecision(t, d, layers.DispositionEscalated, "opened situation")
	say(180, layers.SeverityCritical, "battery empty")
	for minute := 1; minute < 9; minute++ {
		if d, _ = say(minute, layers.SeverityInfo, "served"); strings.Contains(d.Reason, "late") {
			t.Fatalf("minute %d: %s", minute, d.Reason)
		}
	}
	d, e := say(9, layers.SeverityCritical, "disk still full")
	if d.Disposition != layers.DispositionFolded || e.Findings.Situation == nil || len(w.opened) != 2 {
		t.Errorf("%s (%s), %d situations: want it in the first of two", d.Disposition, d.Reason, len(w.opened))
	}
}
