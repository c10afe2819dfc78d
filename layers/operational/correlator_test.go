package operational

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// flagged returns a signal as another partition sends it.
func (s *sent) flagged(key string, at time.Time, severity layers.Severity, anomaly float64) *layers.Envelope {
	e := s.text(key, at, severity, "trouble")
	e.Findings.Flagged, e.Findings.FlagReason, e.Findings.Anomaly = true, "trouble is unusual", anomaly
	return e
}

func TestSituationOpensFoldsWorsensAndClosesInEventTime(t *testing.T) {
	l, s := newLayer(t), &sent{}
	first := s.flagged("web-1", midnight, layers.SeverityWarning, 0.6)
	d := decide(t, l, first)
	wantDecision(t, d, layers.DispositionEscalated, "opened situation sit-", "trouble is unusual")
	id := first.Findings.Situation.ID

	member := s.flagged("web-2", midnight.Add(9*time.Minute), layers.SeverityWarning, 0.55)
	d = decide(t, l, member)
	wantDecision(t, d, layers.DispositionFolded, "joined situation "+id+" (2 members): trouble is unusual")
	if member.Findings.Situation == nil || member.Findings.Situation.ID != id {
		t.Errorf("a folded signal names situation %+v: want %s", member.Findings.Situation, id)
	}

	worse := s.flagged("web-2", midnight.Add(18*time.Minute), layers.SeverityError, 0.7)
	d = decide(t, l, worse)
	wantDecision(t, d, layers.DispositionEscalated, "worsened situation "+id+" from warning to error")
	if got := worse.Findings.Situation; got.Revision != 3 || got.Members != 3 || got.Severity != layers.SeverityError {
		t.Errorf("worsened situation %+v: want revision 3 with 3 members, error", got)
	}

	if d = decide(t, l, s.text("web-3", midnight.Add(28*time.Minute), layers.SeverityInfo, "fine")); len(d.Events) != 0 || !l.Waiting() {
		t.Errorf("events %v within the gap: want none", events(d.Events))
	}
	d = decide(t, l, s.text("web-3", midnight.Add(29*time.Minute+time.Second), layers.SeverityInfo, "fine"))
	if len(d.Events) != 1 || l.Waiting() {
		t.Fatalf("events %v after gap and lateness: want closed", events(d.Events))
	}
	want := &layers.Situation{
		ID: id, Event: layers.SituationClosed, Revision: 4, Severity: layers.SeverityError, Key: "web-1",
		Title: "web-1: trouble (and 1 more)", OpenedAt: midnight, UpdatedAt: midnight.Add(18 * time.Minute),
		ClosedAt: midnight.Add(28 * time.Minute), Members: 3, MemberIDs: []string{"id-1", "id-2", "id-3"}, Anomaly: 0.7,
	}
	got := d.Events[0].Situation
	if len(got.Entities) != 2 {
		t.Errorf("entities %v: want both keys", got.Entities)
	}
	got.Entities = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("closed situation (-want +got):\n%s", diff)
	}
}

func TestSilenceClosesASituation(t *testing.T) {
	l, s := newLayer(t), &sent{}
	e := s.flagged("web-1", midnight.AddDate(-10, 0, 0), layers.SeverityWarning, 0.6)
	e.ReceivedAt = midnight // historic data, received now
	decide(t, l, e)
	if got := l.Tick(midnight.Add(11 * time.Minute)); len(got) != 0 || !l.Waiting() {
		t.Errorf("a tick after gap + lateness: events %v, waiting %v: want it open still", events(got), l.Waiting())
	}
	got := l.Tick(midnight.Add(11*time.Minute + time.Nanosecond))
	if want := []string{"closed 1"}; !slices.Equal(events(got), want) || l.Waiting() {
		t.Errorf("a later tick: events %v, waiting %v: want %v", events(got), l.Waiting(), want)
	}
	if n := len(l.correlator.related) + len(l.correlator.sources) + l.correlator.ids; n != 0 {
		t.Errorf("%d things are remembered of a closed situation", n)
	}
}

func TestHistoricAndLiveDataDoNotMeet(t *testing.T) {
	l, s := newLayer(t), &sent{}
	old := midnight.AddDate(-12, 0, 0)
	at := func(source string, base time.Time, minute int, severity layers.Severity) *layers.Envelope {
		e := s.flagged("db", base.Add(time.Duration(minute)*time.Minute), severity, 0.6)
		e.Source = source
		return e
	}
	for minute := range 20 {
		live, historic := at("live", midnight, minute, layers.SeverityWarning), at("archive", old, minute, layers.SeverityWarning)
		decide(t, l, live)
		decide(t, l, historic)
		if live.Findings.Situation.ID == historic.Findings.Situation.ID {
			t.Fatal("signals twelve years apart are in one situation")
		}
	}
	if n := len(l.correlator.open); n != 2 {
		t.Errorf("%d situations are open: want 2, the live one is not closed by the archive nor the other way", n)
	}
}

func TestSituationWaitsForAllItsSources(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for _, source := range []string{"a", "b"} {
		e := s.flagged("db", midnight, layers.SeverityWarning, 0.6)
		e.Source = source
		decide(t, l, e)
	}
	for i, source := range []string{"a", "b"} {
		e := s.text("other", midnight.Add(time.Hour), layers.SeverityInfo, "fine")
		e.Source = source
		if d := decide(t, l, e); len(d.Events) != i {
			t.Errorf("after %s has passed: events %v: want %d", source, events(d.Events), i)
		}
	}
}

func TestSourceThatJoinsAgainIsWaitedForAgain(t *testing.T) {
	l, s := newLayer(t), &sent{}
	send := func(source string, minute int, flagged bool) []string {
		e := s.flagged("db", midnight.Add(time.Duration(minute)*time.Minute), layers.SeverityWarning, 0.6)
		e.Source, e.Findings.Flagged = source, flagged
		if !flagged {
			e.Severity = layers.SeverityInfo
		}
		return events(decide(t, l, e).Events)
	}
	send("a", 0, true)
	send("b", 0, true)
	send("a", 12, false) // a has passed
	send("b", 9, true)
	send("a", 15, true) // and comes back
	if got := send("b", 21, false); len(got) != 0 {
		t.Errorf("events %v: want the situation to wait for a", got)
	}
	if got, want := send("a", 27, false), []string{"closed 4"}; !slices.Equal(got, want) {
		t.Errorf("events %v: want %v", got, want)
	}
}

func TestOfEqualsTheEarliestOpenedIsJoined(t *testing.T) {
	for range 30 {
		l, s := newLayer(t), &sent{}
		first := s.flagged("db-0", midnight, layers.SeverityWarning, 0.6)
		first.Labels = map[string]string{"service": "0"}
		decide(t, l, first)
		for i := 1; i < 5; i++ {
			e := s.flagged(fmt.Sprint("db-", i), midnight, layers.SeverityWarning, 0.6)
			e.Labels = map[string]string{"service": strconv.Itoa(i)}
			decide(t, l, e)
		}
		e := s.flagged("other", midnight, layers.SeverityWarning, 0.6)
		if decide(t, l, e); e.Findings.Situation.ID != first.Findings.Situation.ID {
			t.Fatal("joined another than the earliest opened")
		}
	}
}

func TestRelation(t *testing.T) {
	plain := func(e *layers.Envelope) { e.Source, e.Key = "other", "other" }
	label := func(name, value string) func(*layers.Envelope) {
		return func(e *layers.Envelope) { plain(e); e.Labels = map[string]string{name: value} }
	}
	tests := []struct {
		name          string
		first, second func(*layers.Envelope)
		related       bool
	}{
		{"nothing in common", func(*layers.Envelope) {}, plain, false},
		{"same source", func(*layers.Envelope) {}, func(e *layers.Envelope) { e.Key = "other" }, true},
		{"same key", func(*layers.Envelope) {}, func(e *layers.Envelope) { e.Source = "other" }, true},
		{"same service", func(e *layers.Envelope) { e.Labels = map[string]string{"job": "api"} }, label("service", "api"), true},
		{"same host and port", func(e *layers.Envelope) { e.Labels = map[string]string{"host": "n1"} }, label("instance", "n1:9100"), true},
		{"other service", func(e *layers.Envelope) { e.Labels = map[string]string{"job": "api"} }, label("service", "web"), false},
		{"a label that means nothing", func(e *layers.Envelope) { e.Labels = map[string]string{"unit": "s"} }, label("unit", "s"), false},
		{"same trace", func(e *layers.Envelope) { e.TraceParent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01" }, label("trace_id", "0123456789abcdef0123456789abcdef"), true},
		{
			"same source, labels that differ",
			func(e *layers.Envelope) { e.Labels = map[string]string{"service": "api"} },
			func(e *layers.Envelope) { e.Key, e.Labels = "other", map[string]string{"service": "web"} }, false,
		},
		{
			"same source, one without labels",
			func(e *layers.Envelope) { e.Labels = map[string]string{"service": "api"} },
			func(e *layers.Envelope) { e.Key = "other" }, true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, s := newLayer(t), &sent{}
			first, second := s.flagged("db", midnight, layers.SeverityError, 0.7), s.flagged("db", midnight, layers.SeverityError, 0.7)
			test.first(first)
			test.second(second)
			decide(t, l, first)
			decide(t, l, second)
			if got := first.Findings.Situation.ID == second.Findings.Situation.ID; got != test.related {
				t.Errorf("related %v: want %v", got, test.related)
			}
		})
	}
}

func TestMildSignalsJoinAndDoNotOpen(t *testing.T) {
	l, s := newLayer(t), &sent{}
	mild := func() *layers.Envelope { return s.flagged("web-1", midnight, layers.SeverityUnset, 0.51) }
	wantDecision(t, decide(t, l, mild()), layers.DispositionResolved, "trouble is unusual; too mild to open a situation")
	decide(t, l, s.flagged("web-1", midnight, layers.SeverityUnset, 0.53))
	wantDecision(t, decide(t, l, mild()), layers.DispositionFolded, "joined situation")
}

func TestAnnouncementsStayFew(t *testing.T) {
	l, s := newLayer(t), &sent{}
	var said []string
	const members, entities = 5000, 200
	for i := range members {
		d := decide(t, l, s.flagged(fmt.Sprintf("web-%d", i%entities), midnight.Add(time.Duration(i)*time.Millisecond), layers.SeverityWarning, 0.6))
		said = append(said, events(d.Events)...)
	}
	if len(said) < 8 || len(said) > 30 {
		t.Errorf("%d announcements of %d members: %v: want about one per doubling", len(said), members, said)
	}
	open := l.correlator.open[0].public
	if open.Members != members || len(open.MemberIDs) != layers.SituationMaxMemberIDs {
		t.Errorf("%d members and %d ids: want %d and %d", open.Members, len(open.MemberIDs), members, layers.SituationMaxMemberIDs)
	}
}

func TestOldestSituationMakesRoom(t *testing.T) {
	l, s := newLayer(t, func(c *Config) { c.MaxSituations = 3 }), &sent{}
	var ids []string
	for i := range 5 {
		e := s.flagged(fmt.Sprint("k", i), midnight, layers.SeverityCritical, 1)
		e.Source = fmt.Sprint("s", i)
		d := decide(t, l, e)
		ids = append(ids, e.Findings.Situation.ID)
		if i < 3 {
			continue
		}
		if got := d.Events; len(got) != 2 || got[1].Situation.Event != layers.SituationClosed || got[1].Situation.ID != ids[i-3] {
			t.Errorf("situation %d: events %v: want the oldest closed", i, events(got))
		}
	}
	if n := len(l.correlator.open); n != 3 {
		t.Errorf("%d are open: want 3", n)
	}
}

func TestLikelyCauseComesFirst(t *testing.T) {
	l, s := newLayer(t), &sent{}
	minute := func(n int) time.Time { return midnight.Add(time.Duration(n) * time.Minute) }
	decide(t, l, s.flagged("database", minute(0), layers.SeverityError, 0.7))
	for i := range 3 {
		decide(t, l, s.flagged("web", minute(2+i), layers.SeverityError, 0.7))
	}
	e := s.flagged("cache", minute(5), layers.SeverityCritical, 1)
	decide(t, l, e)
	var names []string
	total := 0.0
	for _, entity := range e.Findings.Situation.Entities {
		names = append(names, entity.Name)
		total += entity.Score
	}
	if diff := cmp.Diff([]string{"database", "web", "cache"}, names); diff != "" || total < 0.999 || total > 1.001 {
		t.Errorf("entities with a total of %v (-want +got):\n%s", total, diff)
	}
}

func TestAnnouncedSituationsAreCopies(t *testing.T) {
	l, s := newLayer(t), &sent{}
	e := s.flagged("web-1", midnight, layers.SeverityWarning, 0.6)
	d := decide(t, l, e)
	d.Events[0].Situation.MemberIDs[0], d.Events[0].Situation.Entities[0].Name = "changed", "changed"
	if e.Findings.Situation.MemberIDs[0] == "changed" || e.Findings.Situation.Entities[0].Name == "changed" {
		t.Error("the event and the findings share their lists")
	}
	got := l.Tick(midnight.Add(time.Hour))[0].Situation
	if got.MemberIDs[0] == "changed" || got.Entities[0].Name == "changed" {
		t.Error("the event and the layer share their lists")
	}
}
