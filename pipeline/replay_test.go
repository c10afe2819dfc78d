package pipeline

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// shelf is a Broker that knows what is stored, in order.
type shelf struct {
	Broker

	ids   []string
	reads int // ids returned so far
}

func (s *shelf) Stored(_ context.Context, _ layers.Name, behind Ledger, _ time.Time) (map[string]struct{}, Ledger, error) {
	ids := map[string]struct{}{}
	for _, id := range s.ids[behind["all"]:] {
		ids[id] = struct{}{}
		s.reads++
	}
	return ids, Ledger{"all": uint64(len(s.ids))}, nil
}

// TestSharedReplaySeesWhatWasStoredSinceTheLastLook lets L1 have a message of its backlog twice: the broker delivers it again, long
// after the first time, since the acknowledgement got lost.
func TestSharedReplaySeesWhatWasStoredSinceTheLastLook(t *testing.T) {
	broker := &shelf{ids: []string{"a", "b"}}
	now := time.Now()
	r := replay{shared: true, horizon: 10}
	look := func(seq uint64, attempt int, age time.Duration) *Delivery {
		t.Helper()
		burst := []Delivery{{Seq: seq, Attempt: attempt, Stored: now.Add(-age)}}
		if err := r.refresh(t.Context(), burst, time.Second, broker, StageKey{Layer: layers.NameL1}); err != nil {
			t.Fatal(err)
		}
		return &burst[0]
	}
	missing := func(d *Delivery, id string) bool { return len(r.missing(d, []Record{{ID: id}})) == 1 }

	d := look(5, 1, time.Minute)
	if missing(d, "b") || !missing(d, "c") {
		t.Error("at first: a and b are stored, c is not")
	}
	broker.ids = append(broker.ids, "c")
	if d = look(5, 2, time.Minute); missing(d, "c") || missing(d, "a") {
		t.Error("delivered again: c is stored by now, and a still is")
	}
	if broker.reads != 3 {
		t.Errorf("%d ids were read, want each once", broker.reads)
	}
	if d = look(11, 1, time.Minute); !missing(d, "c") || r.stored != nil {
		t.Error("nobody has had a message behind the horizon: what is known is not needed and forgotten")
	}
	if d = look(11, 2, time.Minute); missing(d, "c") {
		t.Error("a message behind the horizon that comes again is in doubt")
	}
	broker.ids = append(broker.ids, "d")
	reads := broker.reads
	if d = look(12, 2, time.Hour); missing(d, "d") || missing(d, "a") || broker.reads != reads+4 {
		t.Error("an older message needs all that was stored since then")
	}
}

// foldLayer folds every signal into one situation, and says so.
type foldLayer struct{ revision int }

func (l *foldLayer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	l.revision++
	return layers.Decision{Disposition: layers.DispositionFolded, Reason: "member", Events: []layers.Event{
		{Situation: &layers.Situation{ID: "sit", Event: layers.SituationUpdated, Revision: l.revision}},
		{Signal: &layers.Signal{ID: "absence." + e.ID, Source: SourceOwn, Key: e.Key}},
	}}, nil
}

// TestReplayAnnouncesWhatWasNotStoredBesideTheVerdict ends a process between the streams: the verdict is stored, the situation
// is not.
func TestReplayAnnouncesWhatWasNotStoredBesideTheVerdict(t *testing.T) {
	data, err := PackFrom(Sender{Layer: layers.NameL2, Born: 1}, &layers.Envelope{Signal: layers.Signal{ID: "a", Source: "s", Key: "k"}})
	if err != nil {
		t.Fatal(err)
	}
	verdict := SignalID("s", "a")
	for _, c := range []struct {
		stored  []string
		want    []string
		effects int
	}{
		{nil, []string{verdict, "sit.1", SignalID(SourceOwn, "absence.a")}, 1},
		{[]string{verdict}, []string{"sit.1", SignalID(SourceOwn, "absence.a")}, 0},
		{[]string{verdict, "sit.1"}, []string{SignalID(SourceOwn, "absence.a")}, 0},
		{[]string{"sit.1"}, []string{verdict, SignalID(SourceOwn, "absence.a")}, 1},
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.worker.(*layerWorker).layer = &foldLayer{}
		f.replay = replay{horizon: 1, stored: map[string]struct{}{}}
		for _, id := range c.stored {
			f.replay.stored[id] = struct{}{}
		}
		if err := f.worker.handle(t.Context(), &Delivery{Seq: 1, Data: data}, f.stage); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, record := range f.out.list {
			got = append(got, record.ID)
		}
		if !slices.Equal(got, c.want) || len(f.out.effects) != c.effects {
			t.Errorf("with %q stored: %q is added and %d signals are counted, want %q and %d", c.stored, got, len(f.out.effects), c.want, c.effects)
		}
	}
}

// packOf returns a pack of one signal as L2 sends it for a message of its stream.
func packOf(t *testing.T, seq uint64, e *layers.Envelope) []byte {
	t.Helper()
	envelope, err := AppendEnvelope(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	var p packer
	p.add(Position{Seq: seq}, envelope)
	return p.bytes(Sender{Layer: layers.NameL2, Born: 1})
}

// TestL1LeavesOutWhatIsStored gives L1 messages that another process had before: of some what follows is stored. JetStream's
// window of ids is not asked.
func TestL1LeavesOutWhatIsStored(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	f.replay.shared = true
	up := func(id string) string {
		who := identityOf("test", id)
		return string(who[:idBytes])
	}
	f.broker.stored = map[string]struct{}{SignalID("test", "s1"): {}, up("s2"): {}, SignalID("test", "s5"): {}, up("s6"): {}}
	stored := time.Now().Add(-time.Minute)
	burst := []Delivery{
		{Seq: 1, Data: []byte("down")},
		{Seq: 2, Data: []byte("up")},
		{Seq: 3, Data: []byte("down")},
		{Seq: 4, Data: []byte("up")},
		{Seq: 5, Data: []byte("up")}, // Rules have changed since then.
		{Seq: 6, Data: []byte("down")},
	}
	for i := range burst {
		burst[i].Attempt, burst[i].Stored = 2, stored.Add(time.Duration(-i)*time.Second)
	}
	if err := f.settle(t.Context(), t.Context(), burst); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, record := range f.broker.records {
		got = append(got, record.ID)
		got = append(got, IdentitiesIn(map[string][]string{HeaderIDs: record.Values(HeaderIDs)})...)
	}
	if want := []string{"", up("s4"), SignalID("test", "s3")}; !slices.Equal(got, want) {
		t.Errorf("%q is stored, want %q", got, want)
	}
	if len(f.source.settled) != len(burst) {
		t.Errorf("%v are acknowledged, want all", f.source.settled)
	}
	if oldest := stored.Add(-5*time.Second - f.cfg.ReplayMargin); len(f.broker.asked) != 1 || !f.broker.asked[0].Equal(oldest) {
		t.Errorf("it asked for what is stored since %v, want %v once", f.broker.asked, oldest)
	}
}

// tickLayer announces two situations with every tick.
type tickLayer struct{ upLayer }

func (tickLayer) Waiting() bool { return true }

func (tickLayer) Tick(time.Time) []layers.Event {
	return []layers.Event{
		{Situation: &layers.Situation{ID: "a", Event: layers.SituationClosed, Revision: 2}},
		{Situation: &layers.Situation{ID: "b", Event: layers.SituationClosed, Revision: 3}},
	}
}

// TestReplayOfATickStoresWhatIsMissing has the first of two announcements stored.
func TestReplayOfATickStoresWhatIsMissing(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	f.worker.(*layerWorker).layer = tickLayer{}
	f.replay = replay{horizon: 1, stored: map[string]struct{}{"a.2": {}}}
	for seq := range uint64(2) {
		d := &Delivery{Seq: seq + 1, Header: map[string][]string{HeaderKind: {KindTick}}, Data: []byte("2026-03-04T12:00:00Z")}
		if err := f.take(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, record := range f.out.list {
		got = append(got, record.ID)
	}
	if want := []string{"b.3", "a.2", "b.3"}; !slices.Equal(got, want) {
		t.Errorf("%q is added, want %q: the second tick lies behind the horizon", got, want)
	}
}

// TestReplayBuriesOnce has parts of what follows from a message that nobody can read stored.
func TestReplayBuriesOnce(t *testing.T) {
	d := &Delivery{Stream: "HAL9_L3", Seq: 1, Data: []byte("rubbish")}
	verdict := SignalID(Envelopes{}.Name(d))
	for _, c := range []struct{ stored, want []string }{
		{nil, []string{verdict + ".dead", verdict}},
		{[]string{verdict + ".dead"}, []string{verdict}},
		{[]string{verdict}, []string{verdict + ".dead"}},
		{[]string{verdict, verdict + ".dead"}, nil},
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.replay = replay{horizon: 1, stored: map[string]struct{}{}}
		for _, id := range c.stored {
			f.replay.stored[id] = struct{}{}
		}
		if err := f.worker.handle(t.Context(), d, f.stage); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, record := range f.out.list {
			got = append(got, record.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("with %q stored %q is added, want %q", c.stored, got, c.want)
		}
	}
}
