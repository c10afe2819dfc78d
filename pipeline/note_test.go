package pipeline

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// hearing hands every signal up and keeps the ids of the notes it heard. It has no use for one
// and panics over another.
type hearing struct {
	upLayer

	heard []string
}

func (l *hearing) Hear(n *layers.Note) error {
	switch n.ID {
	case "useless":
		return errors.New("of no use")
	case "poison":
		panic("poison")
	}
	l.heard = append(l.heard, string(n.Kind)+" "+n.ID+" "+string(n.Data))
	return nil
}

// noted returns the delivery of a note.
func noted(tb testing.TB, key StageKey, seq uint64, id string) *Delivery {
	tb.Helper()
	record, err := NoteRecord(key.Layer, key.Partition, &layers.Note{ID: id, Kind: "test", Data: []byte(`{"a":1}`)})
	if err != nil {
		tb.Fatal(err)
	}
	header := map[string][]string{}
	for name, value := range record.Header {
		header[name] = []string{value}
	}
	return &Delivery{Stream: key.Stream(), Seq: seq, Subject: record.Subject, Header: header, Data: record.Data}
}

func TestStageHandsNotesToItsLayer(t *testing.T) {
	key := StageKey{Layer: layers.NameL4, Partition: 2, Partitions: 3}
	f, layer := newFakes(t, key), &hearing{}
	f.worker = &layerWorker{key: key, cfg: f.cfg, deps: f.deps, layer: layer, decoder: Envelopes{}}
	rubbish := noted(t, key, 9, "rubbish")
	rubbish.Data = []byte("{")
	f.checkpoint.Offset = 4
	for _, d := range []*Delivery{
		noted(t, key, 4, "settled before"), noted(t, key, 5, "a"), noted(t, key, 6, "useless"), noted(t, key, 7, "poison"), rubbish, noted(t, key, 10, "b"),
	} {
		if err := f.take(t.Context(), d); err != nil {
			t.Fatalf("note at %d: %v", d.Seq, err)
		}
	}
	if diff := cmp.Diff([]string{`test a {"a":1}`, `test b {"a":1}`}, layer.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	ignored := "WARN note ignored"
	if diff := cmp.Diff([]string{ignored, ignored, ignored}, f.log.list); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if len(f.out.list) > 0 {
		t.Errorf("%d records follow from notes", len(f.out.list))
	}
}

// TestNoteAtL1IsASignal takes a sender's own header for what it is.
func TestNoteAtL1IsASignal(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	d := noted(t, StageKey{Layer: layers.NameL2, Partitions: 1}, 1, "a")
	if err := f.take(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if f.out.signals != 1 {
		t.Errorf("%d signals decided, want 1", f.out.signals)
	}
}

func TestNoteRecords(t *testing.T) {
	records, err := NoteRecords(layers.NameL2, 2, &layers.Note{ID: "n"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.Subject+" "+r.ID)
	}
	want := []string{"hal9.l2.0 note.L2.00.n", "hal9.l2.1 note.L2.01.n", "hal9.l2.critical note.L2.critical.n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if _, err := NoteRecords(layers.NameL1, 2, &layers.Note{ID: "n"}); err == nil {
		t.Error("L1 takes a note, and it is not keyed")
	}
}

// TestPlanIsToldToWhoCorrelates has L4 announce a situation once more, and L3 one that has a plan already.
func TestPlanIsToldToWhoCorrelates(t *testing.T) {
	s := &layers.Situation{
		ID: "sit-1", Event: layers.SituationUpdated, Revision: 2, PlanID: "plan-1", Members: 1, MemberIDs: []string{"a"},
		Recalled: []layers.Recall{{SituationID: "sit-0", Similarity: .9}},
	}
	list, err := eventRecords(layers.NameL3, []layers.Event{{Situation: s}}, "")
	if err != nil || len(list) != 1 || list[0].ID != "sit-1.2" {
		t.Errorf("L3 announces %+v (%v), want sit-1.2 alone", list, err)
	}
	list, err = eventRecords(layers.NameL4, []layers.Event{{Situation: s}, {Plan: &layers.Plan{ID: "plan-1"}}}, "")
	if err != nil || len(list) != 3 || list[0].ID != "sit-1.2.planned" || list[1].Subject != "hal9.l3.0" || list[1].Header[HeaderKind] != KindNote {
		t.Fatalf("L4 announces %+v (%v), want the situation, a note for L3 and the plan", list, err)
	}
	var n layers.Note
	var told layers.Situation
	if err := json.Unmarshal(list[1].Data, &n); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(n.Data, &told); err != nil {
		t.Fatal(err)
	}
	want := layers.Situation{ID: "sit-1", Revision: 2, PlanID: "plan-1", Recalled: s.Recalled}
	if diff := cmp.Diff(want, told); n.Kind != layers.NoteSituation || diff != "" {
		t.Errorf("note of kind %q (-want +got):\n%s", n.Kind, diff)
	}
}
