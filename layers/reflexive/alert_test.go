package reflexive_test

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

func alert(origin uint64, status string) *layers.Envelope {
	return signal(origin, func(e *layers.Envelope) {
		e.Type, e.Source, e.Key, e.Severity = "alert", "alertmanager", "db-1", layers.SeverityWarning
		e.Labels = map[string]string{"alertstatus": status, "alertname": "DiskFull", "disk": "sda"}
		e.Text = "the disk is full"
	})
}

func changed(e *layers.Envelope, change func(*layers.Envelope)) *layers.Envelope {
	change(e)
	return e
}

func TestAlertThatStillFiresIsSuppressed(t *testing.T) {
	cfg := reflexive.DefaultConfig()
	cfg.AlertWindow = 5 * time.Minute
	l := newLayer(t, cfg)
	want(t, decide(t, l, alert(1, "firing")), layers.DispositionEscalated, "", "")
	// Each lies within five minutes of the last sight, not of the first.
	want(t, decide(t, l, alert(200, "firing")), layers.DispositionSuppressed, "",
		"the alert “DiskFull” on “db-1” still fires: first seen 2026-03-02T12:00:01.000Z, seen 2 times")
	want(t, decide(t, l, alert(450, "firing")), layers.DispositionSuppressed, "", "seen 3 times")
	want(t, decide(t, l, alert(751, "firing")), layers.DispositionEscalated, "", "")
	value := changed(alert(752, "firing"), func(e *layers.Envelope) { e.Value, e.HasValue = 93, true })
	want(t, decide(t, l, value), layers.DispositionSuppressed, "", "still fires")
}

func TestCriticalAlertsAreDeduplicatedToo(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	critical := func(e *layers.Envelope) { e.Severity = layers.SeverityCritical }
	want(t, decide(t, l, changed(alert(1, "firing"), critical)), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, changed(alert(2, "firing"), critical)), layers.DispositionSuppressed, "", "still fires")
}

func TestWhatIsNewAboutAnAlertBreaksThrough(t *testing.T) {
	changes := map[string]func(*layers.Envelope){
		"higher severity": func(e *layers.Envelope) { e.Severity = layers.SeverityCritical },
		"text":            func(e *layers.Envelope) { e.Text = "the disk is on fire" },
		"key":             func(e *layers.Envelope) { e.Key = "db-2" },
		"source":          func(e *layers.Envelope) { e.Source = "another" },
		"label":           func(e *layers.Envelope) { e.Labels["disk"] = "sdb" },
		"further label":   func(e *layers.Envelope) { e.Labels["rack"] = "" },
		"type":            func(e *layers.Envelope) { e.Type = "event" },
		"unknown status":  func(e *layers.Envelope) { e.Labels["alertstatus"] = "pending" },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			l := newLayer(t, reflexive.DefaultConfig())
			decide(t, l, alert(1, "firing"))
			want(t, decide(t, l, changed(alert(2, "firing"), change)), layers.DispositionEscalated, "", "")
		})
	}
}

func TestAHigherSeverityBreaksThroughOnce(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	worse := func(e *layers.Envelope) { e.Severity = layers.SeverityCritical }
	decide(t, l, alert(1, "firing"))
	want(t, decide(t, l, changed(alert(2, "firing"), worse)), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, changed(alert(3, "firing"), worse)), layers.DispositionSuppressed, "", "seen 3 times")
}

func TestAResolvedAlertEndsTheCondition(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	decide(t, l, alert(1, "firing"))
	decide(t, l, alert(2, "firing"))
	over := changed(alert(62, "resolved"), func(e *layers.Envelope) { e.Text, e.Severity = "fine", layers.SeverityUnset })
	want(t, decide(t, l, over), layers.DispositionResolved, "", "the alert “DiskFull” on “db-1” is over after 1m1s, seen 2 times")
	want(t, decide(t, l, alert(63, "resolved")), layers.DispositionSuppressed, "", "was reported to be over at 2026-03-02T12:01:02.000Z")
	want(t, decide(t, l, alert(64, "resolved")), layers.DispositionSuppressed, "", "over at 2026-03-02T12:01:02.000Z")
	want(t, decide(t, l, alert(65, "firing")), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, alert(66, "firing")), layers.DispositionSuppressed, "", "first seen 2026-03-02T12:01:05.000Z, seen 2 times")
}

func TestTheEndOfAnAlertThatWasNeverSeenIsResolved(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	want(t, decide(t, l, alert(1, "resolved")), layers.DispositionResolved, "", "its start was not seen within 6h0m0s")
	want(t, decide(t, l, alert(400, "resolved")), layers.DispositionResolved, "", "its start was not seen")
}

func TestAnAlertIsNamedByItsTextWithoutALabel(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	e := changed(alert(1, "resolved"), func(e *layers.Envelope) { delete(e.Labels, "alertname"); e.Text = "disk 90% full\nagain\xff" })
	want(t, decide(t, l, e), layers.DispositionResolved, "", "alert “disk 90% full?again?” on “db-1”")
}

func TestTheAlertNotSeenForLongestIsForgotten(t *testing.T) {
	cfg := reflexive.DefaultConfig()
	cfg.DedupEntries = 2
	l := newLayer(t, cfg)
	on := func(key string) func(*layers.Envelope) { return func(e *layers.Envelope) { e.Key = key } }
	decide(t, l, changed(alert(1, "firing"), on("a")))
	decide(t, l, changed(alert(2, "firing"), on("b")))
	want(t, decide(t, l, changed(alert(3, "firing"), on("a"))), layers.DispositionSuppressed, "", "still fires")
	want(t, decide(t, l, changed(alert(4, "firing"), on("c"))), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, changed(alert(5, "firing"), on("a"))), layers.DispositionSuppressed, "", "seen 3 times")
	want(t, decide(t, l, changed(alert(6, "firing"), on("b"))), layers.DispositionEscalated, "", "")
}

// at moves an alert in event time alone: it is received with the others.
func at(e *layers.Envelope, when time.Time) *layers.Envelope {
	e.Time = when
	return e
}

// TestAlertsAreJudgedInEventTime replays a day within seconds: what fires and is over three times a day does not flap, and what fires again a day
// later is news.
func TestAlertsAreJudgedInEventTime(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	origin := uint64(0)
	say := func(status string, hours float64) layers.Decision {
		origin++
		return decide(t, l, at(alert(origin, status), noon.Add(time.Duration(hours*float64(time.Hour)))))
	}
	for round := range 6 {
		begins := float64(8 * round)
		want(t, say("firing", begins), layers.DispositionEscalated, "", "")
		want(t, say("firing", begins+4), layers.DispositionSuppressed, "", "still fires")
		want(t, say("resolved", begins+4.5), layers.DispositionResolved, "", "is over after 4h30m0s, seen 2 times")
	}
	want(t, say("firing", 100), layers.DispositionEscalated, "", "")
	want(t, say("firing", 107), layers.DispositionEscalated, "", "") // not repeated for longer than the window
	var last layers.Decision
	for i := range 4 {
		say("resolved", 107.1+float64(i)/10)
		last = say("firing", 107.15+float64(i)/10)
	}
	want(t, last, layers.DispositionSuppressed, "flapping", "changes within 30m0s")
}

// TestAlertsThatStateTheirStart repeat it as long as they fire.
func TestAlertsThatStateTheirStart(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	want(t, decide(t, l, alert(1, "firing")), layers.DispositionEscalated, "", "")
	start := noon.Add(time.Second)
	want(t, decide(t, l, at(alert(90_000, "firing"), start)), layers.DispositionSuppressed, "", "still fires")
}

// TestStartThatComesAfterTheEndIsNoNews has the end of an alert overtake a repetition of its start.
func TestStartThatComesAfterTheEndIsNoNews(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	start := noon.Add(time.Second)
	decide(t, l, alert(1, "firing"))
	decide(t, l, alert(300, "resolved"))
	want(t, decide(t, l, at(alert(301, "firing"), start)), layers.DispositionSuppressed, "", "reported to be over at 2026-03-02T12:05:00.000Z already; this is about its start")
	worse := at(changed(alert(302, "firing"), func(e *layers.Envelope) { e.Severity = layers.SeverityCritical }), start)
	want(t, decide(t, l, worse), layers.DispositionEscalated, "", "")
	decide(t, l, alert(303, "resolved"))
	want(t, decide(t, l, alert(304, "firing")), layers.DispositionEscalated, "", "")
}

// TestSignalsThatWereOvertakenAreNoRepetition has a critical one come first.
func TestSignalsThatWereOvertakenAreNoRepetition(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	decide(t, l, changed(alert(9, "firing"), func(e *layers.Envelope) { e.Severity = layers.SeverityCritical }))
	want(t, decide(t, l, alert(2, "firing")), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, alert(10, "firing")), layers.DispositionSuppressed, "", "eased from critical to warning")
}

// TestAlertKeyCountsAlone has an alert change whatever else it has.
func TestAlertKeyCountsAlone(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	keyed := func(key string) func(e *layers.Envelope) {
		return func(e *layers.Envelope) { e.Labels["alertkey"] = key }
	}
	want(t, decide(t, l, changed(alert(1, "firing"), keyed("a"))), layers.DispositionEscalated, "", "")
	moved := changed(alert(2, "firing"), keyed("a"))
	moved.Key, moved.Type, moved.Labels["pod"] = "db-2", "alarm", "x-7f9c"
	want(t, decide(t, l, moved), layers.DispositionSuppressed, "", "still fires")
	want(t, decide(t, l, changed(alert(3, "firing"), keyed("b"))), layers.DispositionEscalated, "", "")
}

func TestTimesInLabelsTellNothing(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	checked := func(value string) func(e *layers.Envelope) {
		return func(e *layers.Envelope) { e.Labels["checked"] = value }
	}
	decide(t, l, changed(alert(1, "firing"), checked("2026-03-02T12:00:00Z")))
	for i, value := range []string{"2026-03-02 13:00:00", "1772452800", "1772452800000"} {
		want(t, decide(t, l, changed(alert(uint64(2+i), "firing"), checked(value))), layers.DispositionSuppressed, "", "still fires")
	}
	for i, value := range []string{"12345", "2026-03-02", "disk-1772452800"} {
		want(t, decide(t, l, changed(alert(uint64(9+i), "firing"), checked(value))), layers.DispositionEscalated, "", "")
	}
}
