package pipeline

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// outgoing returns a signal in a message of its own, with a reason of some size.
func outgoing(seq uint64, size int) *parcel {
	e := layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint("s", seq), Source: "test", Key: fmt.Sprint("k", seq%5)}}
	e.Findings.FlagReason = strings.Repeat("x", size)
	return &parcel{Envelope: e, identity: identityOf(e.Source, e.ID), at: Position{Seq: seq}}
}

// sentOn returns the ids of the signals on each subject, and checks what the records say of themselves.
func sentOn(t *testing.T, records []Record, layer layers.Name) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for _, r := range records {
		var raw []byte
		n := 0
		err := EachEnvelope(r.Data, func(e *layers.Envelope, _ Sender, _ Position) bool {
			got[r.Subject] = append(got[r.Subject], e.ID)
			who := identityOf(e.Source, e.ID)
			raw = append(raw, who[:idBytes]...)
			n++
			return true
		})
		if err != nil || n == 0 {
			t.Fatalf("a pack of %d signals, error %v", n, err)
		}
		want := map[string]string{}
		if n > 1 {
			want[HeaderSignals] = strconv.Itoa(n)
		}
		if layer == layers.NameL1 {
			want[HeaderIDs] = base64.RawStdEncoding.EncodeToString(raw)
		}
		if len(r.Header) != len(want) || len(want) > 0 && !cmp.Equal(want, r.Header) {
			t.Errorf("headers of a pack of %d signals are %v, want %v", n, r.Header, want)
		}
	}
	return got
}

func TestOutboxKeepsBoundAndOrder(t *testing.T) {
	for _, layer := range []layers.Name{layers.NameL1, layers.NameL2} {
		for _, most := range []int{1 << 10, 60 << 10, 400 << 10} {
			out := newOutbox(StageKey{Layer: layer, Partitions: 3}, most)
			out.from = Sender{Layer: layer, Born: 1}
			next, _ := layer.Next()
			r, want := newRandom(uint64(most)), map[string][]string{}
			for turn := range 2 { // The second time with the room of the first.
				clear(want)
				for seq := range uint64(6000) {
					p := outgoing(seq+1, r.IntN(200))
					subject := SubjectOf(next, PartitionOf(p.Key, 3))
					want[subject] = append(want[subject], p.ID)
					if err := out.send(out.up(PartitionOf(p.Key, 3)), p); err != nil {
						t.Fatal(err)
					}
				}
				records := out.records()
				if diff := cmp.Diff(want, sentOn(t, records, layer)); diff != "" {
					t.Fatalf("%s, bound %d, turn %d: signals sent (-want +got):\n%s", layer, most, turn, diff)
				}
				for i, record := range records {
					if size := record.headerBytes() + len(record.Data); size > min(most, packMost)+len(HeaderIDs)+len(HeaderSignals)+8 {
						t.Fatalf("%s: record %d takes %d bytes, the bound is %d", layer, i, size, most)
					}
				}
				if len(records) < 4 {
					t.Fatalf("%s, bound %d: %d packs, want full ones", layer, most, len(records))
				}
				out.reset()
				if left := out.records(); len(left) != 0 {
					t.Fatalf("%d records after a reset", len(left))
				}
			}
		}
	}
}

// TestOutboxRefusesOneHugeSignal sends one that no message can hold among others.
func TestOutboxRefusesOneHugeSignal(t *testing.T) {
	const most = 10_000
	out := newOutbox(StageKey{Layer: layers.NameL2, Partitions: 1}, most)
	for seq := range uint64(5) {
		size := 10
		if seq == 2 {
			size = most
		}
		err := out.send(out.up(0), outgoing(seq, size))
		if (err != nil) != (seq == 2) || err != nil && !layers.IsPermanent(err) {
			t.Errorf("signal %d: error %v", seq, err)
		}
	}
	want := map[string][]string{"hal9.l3.0": {"s0", "s1", "s3", "s4"}}
	if diff := cmp.Diff(want, sentOn(t, out.records(), layers.NameL2)); diff != "" {
		t.Errorf("signals sent (-want +got):\n%s", diff)
	}
}

// TestOutboxSendsLargeSignalsAlone has signals above packMost that a message can hold.
func TestOutboxSendsLargeSignalsAlone(t *testing.T) {
	out := newOutbox(StageKey{Layer: layers.NameL2, Partitions: 1}, 1<<20)
	for seq, size := range []int{10, packMost + 1, 10, packMost + 1, packMost + 1} {
		if err := out.send(out.up(0), outgoing(uint64(seq+1), size)); err != nil {
			t.Fatal(err)
		}
	}
	records := out.records()
	if len(records) != 5 {
		t.Errorf("%d packs, want 5", len(records))
	}
	want := map[string][]string{"hal9.l3.0": {"s1", "s2", "s3", "s4", "s5"}}
	if diff := cmp.Diff(want, sentOn(t, records, layers.NameL2)); diff != "" {
		t.Errorf("signals sent (-want +got):\n%s", diff)
	}
}
