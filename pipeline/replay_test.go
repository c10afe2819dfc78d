package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// TestCheckpointKeepsTheOldLedgerBelowTheHorizon saves while the stage is still among messages that an earlier life
// may have worked on: results of those stand behind the old ledger, not behind where streams are filled to now.
func TestCheckpointKeepsTheOldLedgerBelowTheHorizon(t *testing.T) {
	old := Ledger{StreamVerdicts: 40, StreamDead: 3}
	for name, c := range map[string]struct {
		offset       uint64
		before, want Ledger
	}{
		"far below":               {20, old, old},
		"one below":               {99, old, old},
		"at the horizon":          {100, old, nil}, // nil: filled when it is saved
		"behind it":               {101, old, nil},
		"below, without a ledger": {99, nil, Ledger{}}, // not nil: what came before the save must not count as seen
		"at it, without a ledger": {100, nil, nil},
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.checkpoint = Checkpoint{Offset: c.offset, Ledger: c.before, Revision: 7}
		f.replay = replay{horizon: 100, stored: map[string]struct{}{"a": {}}}
		f.unsaved = 5
		for range 2 { // The second save must not have forgotten.
			f.unsaved = 5
			if err := f.save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.checkpoints.saved) != 2 || f.unsaved != 0 || f.checkpoint.Revision != 9 {
			t.Fatalf("%s: %d checkpoints, %d messages unsaved, revision %d", name, len(f.checkpoints.saved), f.unsaved, f.checkpoint.Revision)
		}
		for turn, cp := range f.checkpoints.saved {
			if diff := cmp.Diff(c.want, cp.Ledger); diff != "" || cp.Offset != c.offset {
				t.Errorf("%s: checkpoint %d at offset %d has ledger (-want +got):\n%s", name, turn, cp.Offset, diff)
			}
		}
	}
}

// TestRestartReadsTheLedgerOfItsCheckpoint opens a stage behind a checkpoint whose replay was not over.
func TestRestartReadsTheLedgerOfItsCheckpoint(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	oldest := time.Unix(1000, 0)
	f.checkpoints.now = Checkpoint{Offset: 50, Revision: 3, Ledger: Ledger{StreamVerdicts: 40}, State: f.filter.snapshot(nil)}
	f.broker.backlog = Backlog{Oldest: oldest, First: 51, Last: 90}
	f.broker.stored = map[string]struct{}{"a": {}}
	idsFrom, err := f.restore(t.Context())
	if err == nil {
		err = f.openSource(t.Context(), idsFrom)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Ledger{{StreamVerdicts: 40}}, f.broker.behind); diff != "" {
		t.Errorf("ledgers asked for (-want +got):\n%s", diff)
	}
	if want := oldest.Add(-f.cfg.ReplayMargin); len(f.broker.asked) != 1 || !f.broker.asked[0].Equal(want) {
		t.Errorf("asked since %v, want %v", f.broker.asked, want)
	}
	if f.replay.horizon != 90 || len(f.replay.stored) != 1 {
		t.Errorf("replay is %+v, want up to 90 with one id", f.replay)
	}
}

func TestReplayLeavesOutWhatIsStored(t *testing.T) {
	records := func(ids ...string) (list []Record) {
		for _, id := range ids {
			list = append(list, Record{ID: id})
		}
		return list
	}
	stored, again := map[string]struct{}{"a": {}, "c": {}}, map[string]struct{}{"b": {}}
	for name, c := range map[string]struct {
		seq     uint64
		attempt int
		stored  map[string]struct{}
		want    []Record
	}{
		"below the horizon":                  {9, 1, stored, records("b", "d")},
		"at the horizon":                     {10, 1, stored, records("b", "d")},
		"behind the horizon":                 {11, 1, stored, records("a", "b", "c", "d")},
		"behind it, delivered again":         {11, 2, stored, records("a", "c", "d")},
		"below it once past, again":          {9, 2, nil, records("a", "c", "d")},
		"below the horizon, nothing is kept": {9, 1, map[string]struct{}{}, records("a", "b", "c", "d")},
	} {
		r := replay{horizon: 10, stored: c.stored, again: again}
		got := r.missing(&Delivery{Seq: c.seq, Attempt: c.attempt}, records("a", "b", "c", "d"))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: records to store differ (-want +got):\n%s", name, diff)
		}
	}
}

// TestRedeliveryIsNotStoredTwice hands a shared stage messages that another process has answered or handed up.
func TestRedeliveryIsNotStoredTwice(t *testing.T) {
	answered, up := identityOf("test", "s11"), identityOf("test", "s12")
	stored := map[string]struct{}{answered.text(): {}, string(up[:idBytes]): {}}
	at := time.Unix(5000, 0)
	message := func(seq uint64, attempt int, text string) Delivery {
		return Delivery{Seq: seq, Attempt: attempt, Data: []byte(text), Stored: at.Add(time.Duration(seq) * time.Second)}
	}
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	f.broker.stored = stored
	// 11 was answered and 12 handed up; this process would do it the other way round.
	burst := []Delivery{message(11, 2, "up"), message(12, 2, "down"), message(13, 2, "down"), message(14, 1, "down")}
	if err := f.settle(t.Context(), burst); err != nil {
		t.Fatal(err)
	}
	three, four := identityOf("test", "s13"), identityOf("test", "s14")
	if diff := cmp.Diff([]string{three.text(), four.text()}, idsOf(f.broker.records)); diff != "" {
		t.Errorf("stored ids (-want +got):\n%s", diff)
	}
	if want := at.Add(11*time.Second - f.cfg.ReplayMargin); len(f.broker.asked) != 1 || !f.broker.asked[0].Equal(want) {
		t.Errorf("the ledger was read since %v, want once since %v", f.broker.asked, want)
	}
	if want := []uint64{11, 12, 13, 14}; !cmp.Equal(want, f.source.settled) {
		t.Errorf("acknowledged %v, want %v", f.source.settled, want)
	}
	if err := f.settle(t.Context(), []Delivery{message(15, 1, "down")}); err != nil || len(f.broker.asked) != 1 {
		t.Errorf("the ledger was read %d times, error %v: nothing was delivered again", len(f.broker.asked), err)
	}
}

// TestBurstAcrossTheHorizonKeepsTheLedger has a message delivered again behind the first one past the horizon: bursts
// of a shared consumer are in no order.
func TestBurstAcrossTheHorizonKeepsTheLedger(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	answered := identityOf("test", "s9")
	f.replay = replay{horizon: 10, stored: map[string]struct{}{answered.text(): {}}}
	burst := []Delivery{{Seq: 11, Attempt: 1, Data: []byte("down")}, {Seq: 9, Attempt: 2, Data: []byte("down")}}
	if err := f.settle(t.Context(), burst); err != nil {
		t.Fatal(err)
	}
	eleven := identityOf("test", "s11")
	if diff := cmp.Diff([]string{eleven.text()}, idsOf(f.broker.records)); diff != "" {
		t.Errorf("stored ids (-want +got):\n%s", diff)
	}
	if f.replay.stored != nil {
		t.Error("past the horizon the ids are still held")
	}
}

func idsOf(records []Record) []string {
	var ids []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestKeyedStageSettlesNothingTwice(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	data, err := NewPack(&layers.Envelope{Signal: layers.Signal{ID: "a", Source: "test", Text: "down"}})
	if err != nil {
		t.Fatal(err)
	}
	f.checkpoint.Offset = 4
	burst := []Delivery{{Seq: 4, Attempt: 2, Data: data}, {Seq: 5, Attempt: 1, Data: data}}
	if err := f.settle(t.Context(), burst); err != nil {
		t.Fatal(err)
	}
	if len(f.broker.records) != 1 || f.checkpoint.Offset != 5 || f.unsaved != 2 {
		t.Errorf("%d records, offset %d, %d unsaved; want 1, 5 and 2", len(f.broker.records), f.checkpoint.Offset, f.unsaved)
	}
	if len(f.broker.asked) != 0 {
		t.Error("a keyed stage read the ledger in the middle")
	}
}
