package reflexive_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// newReal returns a layer with real expressions.
func newReal(tb testing.TB, change func(*reflexive.Config)) *reflexive.Layer {
	tb.Helper()
	cfg := reflexive.DefaultConfig()
	cfg.Scope = expr.SignalScope
	if change != nil {
		change(&cfg)
	}
	l, err := reflexive.New(cfg, expr.Signal)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// silence has layers hear of a silence until so many seconds after noon.
func silence(tb testing.TB, id, when string, until int, worst layers.Severity, all ...*reflexive.Layer) {
	tb.Helper()
	s := reflexive.Silence{
		ID: id, When: when, Reason: "it is known", Author: "kim", CreatedAt: noon,
		Until: noon.Add(time.Duration(until) * time.Second), MaxSeverity: worst,
	}
	change, err := reflexive.SilenceEntry(&s, noon)
	if err != nil {
		tb.Fatal(err)
	}
	hear(tb, change, all...)
}

func hear(tb testing.TB, change reflexive.Change, all ...*reflexive.Layer) {
	tb.Helper()
	for _, l := range all {
		if err := l.Board().Hear(change.Entry, change.Data); err != nil {
			tb.Fatal(err)
		}
	}
}

// exchange has each layer hear what the others have to say.
func exchange(tb testing.TB, all ...*reflexive.Layer) {
	tb.Helper()
	for i, from := range all {
		for _, change := range from.Board().Changes(fmt.Sprint("p", i), 1000) {
			hear(tb, change, all...)
		}
	}
}

func acknowledge(tb testing.TB, e *layers.Envelope, at int, all ...*reflexive.Layer) string {
	tb.Helper()
	id, ok := reflexive.ConditionID(&e.Signal)
	if !ok {
		tb.Fatal("it states no condition")
	}
	change, err := reflexive.AckEntry(&reflexive.Ack{
		ID: id, Source: e.Source, Key: e.Key, Name: "DiskFull", Severity: e.Severity, Author: "kim", Reason: "on it",
		At: noon.Add(time.Duration(at) * time.Second),
	})
	if err != nil {
		tb.Fatal(err)
	}
	hear(tb, change, all...)
	return id
}

func severity(s layers.Severity) func(*layers.Envelope) {
	return func(e *layers.Envelope) { e.Severity = s }
}

func TestASilenceHoldsUntilItsEndAndUpToItsSeverity(t *testing.T) {
	l := newReal(t, nil)
	silence(t, "sil-1", `source == "web"`, 100, layers.SeverityError, l)
	for origin, s := range map[uint64]layers.Severity{1: layers.SeverityUnset, 2: layers.SeverityDebug, 3: layers.SeverityError} {
		want(t, decide(t, l, signal(origin, severity(s))), layers.DispositionSuppressed, "silence:sil-1", "silenced by “kim” until 2026-03-02T12:01:40Z: it is known")
	}
	want(t, decide(t, l, signal(4, severity(layers.SeverityCritical))), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, signal(5, func(e *layers.Envelope) { e.Source = "db" })), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, signal(100, nil)), layers.DispositionSuppressed, "silence:sil-1", "")
	want(t, decide(t, l, signal(101, nil)), layers.DispositionEscalated, "", "")
	if got := l.Board().Suppressed("p"); got["silence:sil-1"] != 4 || l.Stats().Silenced != 4 {
		t.Errorf("counted %v, %+v, want 4", got, l.Stats())
	}
}

func TestWhatASilenceChangesIsNeverAnsweredFromThePast(t *testing.T) {
	l := newReal(t, func(c *reflexive.Config) {
		c.Rules = []reflexive.Rule{{Name: "web", When: `source == "web"`, Then: reflexive.ActionResolve}}
	})
	decide(t, l, signal(1, nil))
	want(t, decide(t, l, signal(2, nil)), layers.DispositionResolved, "web", "cached")
	silence(t, "sil-1", `key == "host-1"`, 1000, layers.SeverityError, l)
	want(t, decide(t, l, signal(3, nil)), layers.DispositionSuppressed, "silence:sil-1", "")
	want(t, decide(t, l, signal(4, nil)), layers.DispositionSuppressed, "silence:sil-1", "")
	hear(t, reflexive.LiftSilence("sil-1"), l)
	want(t, decide(t, l, signal(5, nil)), layers.DispositionResolved, "web", "")
}

func TestAnAlertThatWasSilencedClimbsWhenTheSilenceEnds(t *testing.T) {
	l := newReal(t, nil)
	silence(t, "sil-1", `labels.alertname == "DiskFull"`, 100, layers.SeverityError, l)
	want(t, decide(t, l, alert(1, "firing")), layers.DispositionSuppressed, "silence:sil-1", "")
	want(t, decide(t, l, changed(alert(2, "firing"), severity(layers.SeverityCritical))), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, changed(alert(3, "firing"), severity(layers.SeverityCritical))), layers.DispositionSuppressed, "", "still fires")

	l = newReal(t, nil)
	silence(t, "sil-1", `labels.alertname == "DiskFull"`, 100, layers.SeverityError, l)
	decide(t, l, alert(90, "firing"))
	want(t, decide(t, l, alert(101, "firing")), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, alert(102, "firing")), layers.DispositionSuppressed, "", "still fires")
}

func TestAnAcknowledgementLastsWhileItsCauseFires(t *testing.T) {
	a, b := newReal(t, nil), newReal(t, nil)
	decide(t, a, alert(1, "firing"))
	exchange(t, a, b)
	id := acknowledge(t, alert(1, "firing"), 2, a, b)
	other := func(e *layers.Envelope) { e.Text = "something else is wrong with it" }
	for i, l := range []*reflexive.Layer{a, b, a, b} { // Long after the window, and whatever it says.
		want(t, decide(t, l, changed(alert(uint64(1000*(i+1)), "firing"), other)), layers.DispositionSuppressed, "ack:"+id[:12], "acknowledged by “kim”")
	}
	want(t, decide(t, b, changed(alert(4001, "firing"), severity(layers.SeverityCritical))), layers.DispositionEscalated, "", "")
	exchange(t, a, b)
	want(t, decide(t, a, changed(alert(4002, "firing"), other)), layers.DispositionSuppressed, "ack:"+id[:12], "")
	want(t, decide(t, b, alert(4010, "resolved")), layers.DispositionResolved, "", "is over")
	exchange(t, a, b)
	if left := len(a.Board().Acks()) + len(b.Board().Acks()); left != 0 {
		t.Errorf("%d acknowledgements outlive their alert", left)
	}
	want(t, decide(t, a, alert(4011, "firing")), layers.DispositionEscalated, "", "")
}

func TestAnAcknowledgementThatComesTooLateEnds(t *testing.T) {
	l := newReal(t, nil)
	decide(t, l, alert(1, "firing"))
	decide(t, l, alert(10, "resolved"))
	acknowledge(t, alert(1, "firing"), 5, l)
	want(t, decide(t, l, alert(11, "firing")), layers.DispositionEscalated, "", "")
}

// TestAnAcknowledgementDoesNotOutliveItsEpisode has the end of the alert received before the acknowledgement was given, and told after it.
func TestAnAcknowledgementDoesNotOutliveItsEpisode(t *testing.T) {
	l := newReal(t, nil)
	decide(t, l, changed(alert(1, "firing"), severity(layers.SeverityCritical)))
	acknowledge(t, changed(alert(1, "firing"), severity(layers.SeverityCritical)), 5, l)
	decide(t, l, alert(3, "resolved"))
	want(t, decide(t, l, changed(alert(48*3600, "firing"), severity(layers.SeverityCritical))), layers.DispositionEscalated, "", "")
	if left := len(l.Board().Acks()); left != 0 {
		t.Errorf("%d acknowledgements outlive their alert", left)
	}
}

// TestAMergedChangeIsNotToldAgain has one process drop what is too old to count while the other still remembers it.
func TestAMergedChangeIsNotToldAgain(t *testing.T) {
	short := func(c *reflexive.Config) { c.Flapping.Window = 10 * time.Second }
	a, b := newReal(t, short), newReal(t, short)
	decide(t, a, alert(1, "firing"))
	exchange(t, a, b)
	exchange(t, a, b)
	decide(t, a, alert(30, "resolved"))
	for _, change := range a.Board().Changes("", 1000) {
		hear(t, change, b)
	}
	if again := b.Board().Changes("", 1000); len(again) != 0 {
		t.Errorf("what was heard is told again: %s", again[0].Data)
	}
}

// withInhibit has a broken node explain what its services complain of.
func withInhibit(c *reflexive.Config) {
	c.Inhibit = []reflexive.Inhibit{{
		Name: "node-down", Source: `labels.alertname == "NodeDown"`, Target: `severity <= error && type != "quiet"`, Equal: []string{"node", "dc"},
	}}
}

func node(origin uint64, status string, s layers.Severity) *layers.Envelope {
	return changed(alert(origin, status), func(e *layers.Envelope) {
		e.Labels = map[string]string{"alertname": "NodeDown", "alertstatus": status, "node": "n1"}
		e.Severity, e.Key = s, "n1"
	})
}

func victim(origin uint64, name string, s layers.Severity) *layers.Envelope {
	return signal(origin, func(e *layers.Envelope) { e.Labels, e.Severity = map[string]string{"node": name}, s })
}

func TestAnAlertThatFiresInhibitsWhatItExplains(t *testing.T) {
	a, b := newReal(t, withInhibit), newReal(t, withInhibit)
	want(t, decide(t, a, victim(1, "n1", layers.SeverityWarning)), layers.DispositionEscalated, "", "")
	want(t, decide(t, a, node(2, "firing", layers.SeverityError)), layers.DispositionEscalated, "", "")
	exchange(t, a, b)
	for i, l := range []*reflexive.Layer{a, b} {
		o := uint64(10 + 10*i)
		want(t, decide(t, l, victim(o, "n1", layers.SeverityWarning)), layers.DispositionSuppressed, "inhibit:node-down",
			"inhibited by node-down: alert “NodeDown” on “n1” fires")
		want(t, decide(t, l, victim(o+1, "n2", layers.SeverityWarning)), layers.DispositionEscalated, "", "")
		want(t, decide(t, l, victim(o+2, "n1", layers.SeverityCritical)), layers.DispositionEscalated, "", "")
		want(t, decide(t, l, changed(victim(o+3, "n1", layers.SeverityWarning), func(e *layers.Envelope) { e.Type = "quiet" })), layers.DispositionEscalated, "", "")
		want(t, decide(t, l, changed(victim(o+4, "n1", layers.SeverityWarning), func(e *layers.Envelope) { e.Labels["dc"] = "x" })), layers.DispositionEscalated, "", "")
	}
	want(t, decide(t, b, node(50, "firing", layers.SeverityError)), layers.DispositionSuppressed, "", "still fires") // not by itself
	decide(t, b, node(60, "resolved", layers.SeverityInfo))
	exchange(t, a, b)
	want(t, decide(t, a, victim(61, "n1", layers.SeverityWarning)), layers.DispositionEscalated, "", "")
}

func TestASourceThatIsNotSeenForHoursInhibitsNoMore(t *testing.T) {
	l := newReal(t, withInhibit)
	decide(t, l, node(1, "firing", layers.SeverityError))
	want(t, decide(t, l, victim(6*3600, "n1", layers.SeverityWarning)), layers.DispositionSuppressed, "inhibit:node-down", "")
	want(t, decide(t, l, victim(6*3600+2, "n1", layers.SeverityWarning)), layers.DispositionEscalated, "", "")
}

func TestAnAlertThatFlapsIsSuppressedUntilItIsCalm(t *testing.T) {
	a, b := newReal(t, nil), newReal(t, nil)
	at := uint64(0)
	next := func(l *reflexive.Layer, status string, step uint64, change func(*layers.Envelope)) (layers.Decision, *layers.Envelope) {
		at += step
		e := changed(alert(at, status), change)
		d := decide(t, l, e)
		exchange(t, a, b)
		return d, e
	}
	none := func(*layers.Envelope) {}
	for range 3 { // Firing and over, by turns at both processes: six changes.
		d, _ := next(a, "firing", 60, none)
		want(t, d, layers.DispositionEscalated, "", "")
		d, _ = next(b, "resolved", 60, none)
		want(t, d, layers.DispositionResolved, "", "is over")
	}
	d, e := next(a, "firing", 60, none)
	want(t, d, layers.DispositionEscalated, "flapping", "begins to flap: 7 changes within 30m0s")
	if len(e.Findings.Classes) != 1 || e.Findings.Classes[0].Label != "flapping" || !e.Findings.Classes[0].Flags {
		t.Errorf("the signal says %v", e.Findings.Classes)
	}
	for _, l := range []*reflexive.Layer{b, a} {
		d, _ = next(l, "resolved", 30, none)
		want(t, d, layers.DispositionSuppressed, "flapping", "is flapping since")
		d, _ = next(l, "firing", 30, none)
		want(t, d, layers.DispositionSuppressed, "flapping", "")
	}
	d, _ = next(b, "firing", 1, severity(layers.SeverityCritical))
	want(t, d, layers.DispositionEscalated, "flapping", "")
	d, _ = next(a, "firing", 1, severity(layers.SeverityCritical))
	want(t, d, layers.DispositionSuppressed, "flapping", "")
	for range 8 { // It just fires, until few changes lie within the window.
		d, _ = next(a, "firing", 240, severity(layers.SeverityCritical))
	}
	want(t, d, layers.DispositionSuppressed, "", "still fires")
}

func TestARestartKnowsWhichAlertsFire(t *testing.T) {
	first := newReal(t, withInhibit)
	decide(t, first, node(1, "firing", layers.SeverityError))
	decide(t, first, alert(2, "firing"))
	second := newReal(t, withInhibit)
	for _, change := range first.Board().Changes("p", 100) {
		hear(t, change, second)
	}
	want(t, decide(t, second, victim(3, "n1", layers.SeverityWarning)), layers.DispositionSuppressed, "inhibit:node-down", "")
	want(t, decide(t, second, alert(4, "firing")), layers.DispositionSuppressed, "", "still fires")
	// What was told of and not yet answered comes again: it is no repetition of itself.
	want(t, decide(t, second, node(1, "firing", layers.SeverityError)), layers.DispositionEscalated, "", "")
}

func TestWhatIsOlderChangesNothing(t *testing.T) {
	l := newReal(t, withInhibit)
	decide(t, l, node(10, "firing", layers.SeverityError))
	decide(t, l, node(5, "resolved", layers.SeverityError))
	want(t, decide(t, l, victim(11, "n1", layers.SeverityWarning)), layers.DispositionSuppressed, "inhibit:node-down", "")
}

func TestTheScoutHeedsWhatPeopleSay(t *testing.T) {
	l := newReal(t, withInhibit)
	scout, err := l.Scout()
	if err != nil {
		t.Fatal(err)
	}
	critical := severity(layers.SeverityCritical)
	silence(t, "sil-1", `key == "host-1"`, 100, layers.SeverityCritical, l)
	want(t, decide(t, scout, signal(1, critical)), layers.DispositionSuppressed, "silence:sil-1", "")
	want(t, decide(t, scout, changed(alert(10, "firing"), critical)), layers.DispositionEscalated, "", "")
	want(t, decide(t, scout, changed(alert(11, "firing"), critical)), layers.DispositionSuppressed, "", "still fires")
	id := acknowledge(t, changed(alert(10, "firing"), critical), 12, l)
	want(t, decide(t, scout, changed(alert(13, "firing"), critical)), layers.DispositionSuppressed, "ack:"+id[:12], "")
	if l.Stats().Silenced != 1 {
		t.Error("what the scout suppresses is not counted")
	}
}
