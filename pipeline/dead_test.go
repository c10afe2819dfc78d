package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// refusing is a decoder that refuses everything.
type refusing struct{ plainText }

func (refusing) Decode(*Delivery) (*layers.Envelope, error) {
	return nil, layers.Permanent(errors.New("no\nsignal"))
}

// letterOf returns the letter that L1 writes for a message that it can't read.
func letterOf(t *testing.T, d *Delivery) Record {
	t.Helper()
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	worker, ok := f.worker.(*layerWorker)
	if !ok {
		t.Fatalf("the worker is %T", f.worker)
	}
	worker.decoder = refusing{}
	if err := worker.handle(t.Context(), d, f.stage); err != nil {
		t.Fatal(err)
	}
	for _, record := range f.out.list {
		if record.Subject == SubjectOfDead(layers.NameL1) {
			return record
		}
	}
	t.Fatalf("no letter among %v", f.out.list)
	return Record{}
}

func TestLetterKeepsTheMessageWithAllItsHeaders(t *testing.T) {
	stored := time.Date(2026, 3, 4, 12, 0, 0, 5, time.UTC)
	data := []byte("a\x00b\xff\r\n ")
	letter := letterOf(t, &Delivery{
		Stream: "HAL9_L1", Seq: 17, Stored: stored, Data: data,
		Header: map[string][]string{
			"x-case": {"kept"}, "X-Several": {"one", "", "two"}, "X-Empty": {""},
			"Nats-Msg-Id": {"x"}, "Nats-Rollup": {"all"}, HeaderIDs: {"AAAA"}, HeaderSignals: {"3"}, HeaderSeq: {"1", "2"},
		},
	})
	got := map[string][]string{}
	for name := range letter.Header {
		got[name] = letter.Values(name)
	}
	want := map[string][]string{
		"x-case": {"kept"}, "X-Several": {"one", "", "two"}, "X-Empty": {""},
		"Hal9-Error": {"no signal"}, "Hal9-Layer": {"L1"}, "Hal9-Attempts": {"1"}, "Hal9-Stream": {"HAL9_L1"}, "Hal9-Seq": {"17"},
		"Hal9-Signal-Id": {"17"}, "Hal9-Signal-Source": {"HAL9_L1"}, "Hal9-Signal-Received": {"2026-03-04T12:00:00.000000005Z"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if string(letter.Data) != string(data) {
		t.Errorf("data %q, want %q", letter.Data, data)
	}
}

// TestLetterFitsIntoAMessage bounds what stands in many values of one header, too.
func TestLetterFitsIntoAMessage(t *testing.T) {
	header := map[string][]string{"X-Many": make([]string, 50)}
	for i := range header["X-Many"] {
		header["X-Many"][i] = strings.Repeat("v", 1000)
	}
	most := DefaultConfig().MaxRecordBytes
	letter := letterOf(t, &Delivery{Stream: "HAL9_L1", Seq: 17, Header: header, Data: make([]byte, most)})
	if size := letter.headerBytes() + len(letter.Data); size > most {
		t.Errorf("the letter takes %d bytes, want at most %d", size, most)
	}
	if letter.Header[HeaderTruncated] == "" || letter.More != nil {
		t.Errorf("headers %v and %d further values, want only HAL9's", letter.Header, len(letter.More["X-Many"]))
	}
}

// picky is a layer that can't decide one signal.
type picky struct {
	upLayer

	id string
}

func (p picky) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	if e.ID == p.id {
		return layers.Decision{}, layers.Permanent(errors.New("not this one"))
	}
	return p.upLayer.Decide(ctx, e)
}

// TestPoisonInAPackHarmsNoNeighbour has the second of three signals in one message die: the others go up, each with its own place.
func TestPoisonInAPackHarmsNoNeighbour(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	f.worker.(*layerWorker).layer = picky{id: "b"}
	var list []*layers.Envelope
	for _, id := range []string{"a", "b", "c"} {
		list = append(list, &layers.Envelope{Signal: layers.Signal{ID: id, Source: "s", Key: "k"}})
	}
	data, err := NewPack(list...)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.take(t.Context(), &Delivery{Stream: "HAL9_L3", Seq: 7, Data: data}); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]Position{}
	for _, record := range f.out.records() {
		if record.Subject == SubjectOfVerdict(layers.NameL3, layers.DispositionDead) {
			continue
		}
		got[record.Subject] = map[string]Position{}
		err := EachEnvelope(record.Data, func(e *layers.Envelope, _ Sender, at Position) bool {
			got[record.Subject][e.ID] = at
			return true
		})
		if err != nil {
			t.Error(err)
		}
	}
	want := map[string]map[string]Position{"hal9.l4.0": {"a": {7, 0}, "c": {7, 2}}, "hal9.dead.L3": {"b": {}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signals by subject (-want +got):\n%s", diff)
	}
}

// TestDamageInAPackHarmsNoNeighbour cannot read the second of three signals in one message.
func TestDamageInAPackHarmsNoNeighbour(t *testing.T) {
	var p packer
	for i, id := range []string{"a", "b", "c"} {
		envelope, err := AppendEnvelope(nil, &layers.Envelope{Signal: layers.Signal{ID: id, Source: "s", Key: "k"}})
		if err != nil {
			t.Fatal(err)
		}
		if id == "b" {
			envelope[0]++ // another version
		}
		p.add(Position{Seq: 1, Index: uint32(i)}, envelope)
	}
	d := &Delivery{Stream: "HAL9_L3", Seq: 7, Data: p.bytes(Sender{})}
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	if err := f.take(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if up := f.out.up(0).pack.signals; up != 2 || len(f.out.list) != 2 || string(f.out.list[0].Data) != string(d.Data) {
		t.Errorf("%d signals go up with %d records, want 2, and a letter with the whole message and its verdict", up, len(f.out.list))
	}
	buried, err := Bury(d, Envelopes{}, Burial{Layer: layers.NameL3, Reason: errFull, Attempts: 5, Now: d.Stored, MaxRecordBytes: 1 << 20})
	var ids []string
	for _, b := range buried {
		ids = append(ids, b.Envelope.ID)
	}
	_, unnamed := Envelopes{}.Name(d)
	if want := []string{"a", "c", unnamed}; err != nil || !cmp.Equal(want, ids) {
		t.Errorf("%q are buried (%v), want %q", ids, err, want)
	}
}
