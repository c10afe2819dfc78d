package operational

import (
	"fmt"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestStormOfAlertsIsOneSituation has alerts that say nothing in common but who sends them.
func TestStormOfAlertsIsOneSituation(t *testing.T) {
	l, s := newLayer(t), &sent{}
	opened := 0
	for i := range 20 {
		if d := decide(t, l, s.firing(fmt.Sprintf("host-%d", i), midnight.Add(time.Duration(i)*20*time.Second), layers.SeverityError)); d.Disposition == layers.DispositionEscalated {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d situations of one storm", opened)
	}
	wantDecision(t, decide(t, l, s.firing("host-99", midnight.Add(time.Hour), layers.SeverityError)), layers.DispositionEscalated, "opened situation")
}

// TestAlertsThatComeAllTheTimeAreNoStorm has them come every two minutes: two that do are no news.
func TestAlertsThatComeAllTheTimeAreNoStorm(t *testing.T) {
	l, s := newLayer(t), &sent{}
	opened := 0
	for i := range 60 {
		at := midnight.Add(time.Duration(i) * 6 * time.Minute)
		d := decide(t, l, s.firing(fmt.Sprintf("host-%d", i), at, layers.SeverityError))
		other := decide(t, l, s.firing(fmt.Sprintf("other-%d", i), at.Add(2*time.Minute), layers.SeverityError))
		if i >= 30 && d.Disposition == layers.DispositionEscalated && other.Disposition == layers.DispositionEscalated {
			opened++
		}
	}
	if opened != 30 {
		t.Errorf("of 30 pairs two minutes apart %d are two situations", opened)
	}
}

// TestAlertsOfAnotherClusterAreNoPartOfAStorm has both fire at once.
func TestAlertsOfAnotherClusterAreNoPartOfAStorm(t *testing.T) {
	l, s := newLayer(t), &sent{}
	in := func(cluster, key string, after time.Duration) *layers.Envelope {
		e := s.firing(key, midnight.Add(after), layers.SeverityError)
		e.Labels["cluster"] = cluster
		return e
	}
	wantDecision(t, decide(t, l, in("east", "a", 0)), layers.DispositionEscalated)
	wantDecision(t, decide(t, l, in("west", "b", time.Second)), layers.DispositionEscalated, "opened situation")
	wantDecision(t, decide(t, l, in("east", "c", 2*time.Second)), layers.DispositionFolded)
}

// TestMildAlertsOpenTogether has none of them do so alone.
func TestMildAlertsOpenTogether(t *testing.T) {
	for _, severity := range []layers.Severity{layers.SeverityUnset, layers.SeverityWarning} {
		l, s := newLayer(t), &sent{}
		fire := func(i int) layers.Decision {
			e := s.firing(fmt.Sprintf("host-%d", i), midnight.Add(time.Duration(i)*10*time.Second), severity)
			e.Findings.NewTemplate = true // its text is news, which L1 has judged
			return decide(t, l, e)
		}
		wantDecision(t, fire(0), layers.DispositionResolved, "too mild")
		opened := false
		for i := range 15 {
			opened = opened || fire(1+i).Disposition == layers.DispositionEscalated
		}
		if !opened {
			t.Errorf("15 alerts of severity %q within three minutes open nothing", severity)
		}
	}
}

// TestPacesAreBounded has more senders than are remembered.
func TestPacesAreBounded(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range pacesMax + 10 {
		e := s.firing("host", midnight.Add(time.Duration(i)*time.Second), layers.SeverityError)
		e.Source = fmt.Sprintf("sender-%d", i)
		decide(t, l, e)
	}
	if n := len(l.correlator.paces); n != pacesMax || l.correlator.paces["sender-0"] != nil {
		t.Errorf("%d senders are remembered, the first %v", n, l.correlator.paces["sender-0"])
	}
}

// TestFirstErrorsOfHostsAreNewsWhereErrorsAre has hosts of one source all have their first error one day.
func TestFirstErrorsOfHostsAreNewsWhereErrorsAre(t *testing.T) {
	l, s := newLayer(t), &sent{}
	opened := 0
	for i := range 50 {
		d := decide(t, l, s.text(fmt.Sprintf("host-%d", i), midnight.Add(time.Duration(i)*time.Hour), layers.SeverityError, "not found"))
		if d.Disposition == layers.DispositionEscalated {
			opened++
		}
	}
	if opened != erredNews {
		t.Errorf("%d situations: want %d", opened, erredNews)
	}
}

// TestWhatOvertakesMakesNothingSilent has critical signals of the next hours come first.
func TestWhatOvertakesMakesNothingSilent(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 500 {
		decide(t, l, s.value("a", midnight.Add(time.Duration(i)*time.Minute), steady(i)))
		decide(t, l, s.value("b", midnight.Add(time.Duration(i)*time.Minute), steady(i)))
	}
	for i := range 120 {
		e := s.text("c", midnight.Add(time.Duration(500+i)*time.Minute), layers.SeverityCritical, "on fire")
		e.Source = "another"
		for _, event := range decide(t, l, e).Events {
			if event.Signal != nil {
				t.Fatalf("%s", event.Signal.Text)
			}
		}
	}
}
