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
