package pipeline

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// entry is what a pack holds of one signal.
type entry struct {
	At   Position
	Data string
}

// entriesOf reads a pack to its end.
func entriesOf(t testing.TB, data []byte) (Sender, []entry) {
	t.Helper()
	p, err := OpenPack(data)
	if err != nil {
		t.Fatal(err)
	}
	var list []entry
	for {
		envelope, at, ok := p.Next()
		if !ok {
			break
		}
		list = append(list, entry{at, string(envelope)})
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return p.Sender, list
}

// randomPack returns a pack and what it was filled with: several signals of one message beside others.
func randomPack(t testing.TB, seed uint64) (data []byte, from Sender, list []entry) {
	t.Helper()
	r := newRandom(seed)
	from = Sender{Layer: layers.Name(1 + r.IntN(5)), Partition: r.IntN(MaxPartitions+1) - 1, Born: r.Int64() - r.Int64()}
	var p packer
	at := Position{}
	for range r.IntN(20) {
		if at.Seq == 0 || r.IntN(3) == 0 {
			at = Position{Seq: at.Seq + 1 + r.Uint64N(3)*r.Uint64N(1<<20)}
		}
		at.Index += 1 + r.Uint32N(5)
		envelope := encode(t, randomEnvelope(r))
		list = append(list, entry{at, string(envelope)})
		p.add(at, envelope)
	}
	data = p.bytes(from)
	if p.size() < len(data) {
		t.Fatalf("a pack of %d bytes was said to take %d at most", len(data), p.size())
	}
	p.reset()
	if again := p.bytes(Sender{}); len(again) > packHead {
		t.Fatalf("an emptied pack has %d bytes", len(again))
	}
	return data, from, list
}

func FuzzPackRoundTrip(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		data, from, want := randomPack(t, seed)
		sender, got := entriesOf(t, data)
		if sender != from {
			t.Errorf("sender is %+v, want %+v", sender, from)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entries differ (-want +got):\n%s", diff)
		}
		n := 0
		err := EachEnvelope(data, func(e *layers.Envelope, from Sender, at Position) bool {
			if from != sender || at != want[n].At || string(encode(t, e)) != want[n].Data {
				t.Errorf("envelope %d is %+v from %+v at %+v", n, e, from, at)
			}
			n++
			return true
		})
		if err != nil || n != len(want) {
			t.Errorf("%d envelopes and error %v, want %d", n, err, len(want))
		}
	})
}

func TestPackEndsWhereItSays(t *testing.T) {
	for seed := range uint64(3) {
		data, _, list := randomPack(t, seed)
		visit := func(*layers.Envelope, Sender, Position) bool { return true }
		for n := range data {
			if err := EachEnvelope(data[:n], visit); !layers.IsPermanent(err) {
				t.Fatalf("%d of %d bytes with %d signals: error %v, want a permanent one", n, len(data), len(list), err)
			}
		}
		if err := EachEnvelope(append(bytes.Clone(data), 0), visit); !layers.IsPermanent(err) {
			t.Fatalf("one byte too many: error %v, want a permanent one", err)
		}
		if err := EachEnvelope(append([]byte{packVersion + 1}, data[1:]...), visit); !layers.IsPermanent(err) {
			t.Fatalf("another version: error %v, want a permanent one", err)
		}
	}
}

func FuzzOpenPack(f *testing.F) {
	for seed := range uint64(10) {
		data, _, _ := randomPack(f, seed)
		f.Add(data)
	}
	f.Add([]byte{})
	f.Add([]byte{packVersion, 1, 1, 0, 0})
	f.Add(binary.AppendUvarint([]byte{packVersion, 1, 1, 0}, math.MaxUint64))
	f.Add([]byte{packVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 1, 0, 1, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := OpenPack(data)
		if err != nil {
			if !layers.IsPermanent(err) {
				t.Fatalf("error %v is not permanent", err)
			}
			return
		}
		if p.Signals > len(data)/3 {
			t.Fatalf("%d bytes say to hold %d signals", len(data), p.Signals)
		}
		if p.Sender.Partition < PartitionCritical || p.Sender.Partition > MaxPartitions {
			t.Fatalf("the sender is partition %d", p.Sender.Partition)
		}
		said, n, held := p.Signals, 0, 0
		for {
			envelope, _, ok := p.Next()
			if !ok {
				break
			}
			n, held = n+1, held+len(envelope)
		}
		if n > said || held > len(data) || p.Err() == nil && n != said {
			t.Fatalf("%d of %d signals with %d bytes in %d, error %v", n, said, held, len(data), p.Err())
		}
		for _, err := range []error{p.Err(), EachEnvelope(data, func(*layers.Envelope, Sender, Position) bool { return true })} {
			if err != nil && !layers.IsPermanent(err) {
				t.Fatalf("error %v is not permanent", err)
			}
		}
		if _, err := (Envelopes{}).Decode(&Delivery{Data: data}); err != nil && !layers.IsPermanent(err) {
			t.Fatalf("error %v is not permanent", err)
		}
	})
}

// TestOperatorAlwaysPasses sends the same signals twice as an operator, and as a stage.
func TestOperatorAlwaysPasses(t *testing.T) {
	envelopes := []*layers.Envelope{randomEnvelope(newRandom(1)), randomEnvelope(newRandom(2)), randomEnvelope(newRandom(3))}
	byOperator, err := NewPack(envelopes...)
	if err != nil {
		t.Fatal(err)
	}
	byStage, err := PackFrom(Sender{Layer: layers.NameL2, Born: 5}, envelopes...)
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers.Names()[1:] {
		f := newFilter(StageKey{Layer: layer, Partitions: 1})
		for turn := range 2 {
			if got := deliver(t, f, byOperator, uint64(turn+1)); got != 3 {
				t.Errorf("%s takes %d signals of an operator in turn %d, want all 3", layer, got, turn)
			}
			if got, want := deliver(t, f, byStage, uint64(turn+1)), 3-3*turn; got != want {
				t.Errorf("%s takes %d signals of a stage in turn %d, want %d", layer, got, turn, want)
			}
		}
	}
}

// deliver returns how many signals of a pack the filter lets through.
func deliver(t testing.TB, f *filter, data []byte, seq uint64) (fresh int) {
	t.Helper()
	err := EachEnvelope(data, func(e *layers.Envelope, from Sender, at Position) bool {
		who := identityOf(e.Source, e.ID)
		if f.fresh(from, at, &who, seq) {
			fresh++
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}
