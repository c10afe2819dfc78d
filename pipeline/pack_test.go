package pipeline

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// entry is an envelope of a pack and its place.
type entry struct {
	at       Position
	envelope []byte
}

// randomEntries returns envelopes whose places rise, several of them in one message. Noise does not compress.
func randomEntries(t *testing.T, random *rand.Rand, n int) []entry {
	t.Helper()
	var list []entry
	at := Position{Seq: random.Uint64N(1 << 40)}
	for i := range n {
		if i == 0 || random.IntN(3) == 0 {
			at = Position{Seq: at.Seq + 1 + random.Uint64N(1000), Index: uint32(random.IntN(5))}
		} else {
			at.Index += 1 + uint32(random.IntN(3))
		}
		noise := make([]byte, random.IntN(300))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		e := &layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint("s", i), Source: "test", Key: "k", Text: string(noise)}, Origin: at.Seq}
		envelope, err := AppendEnvelope(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, entry{at, envelope})
	}
	return list
}

func packed(list []entry) *packer {
	var p packer
	for _, e := range list {
		p.add(e.at, e.envelope)
	}
	return &p
}

// unpacked reads a pack to its end.
func unpacked(data []byte) (from Sender, list []entry, err error) {
	p, err := OpenPack(data)
	if err != nil {
		return Sender{}, nil, err
	}
	for {
		envelope, at, ok := p.Next()
		if !ok {
			return p.Sender, list, p.Err()
		}
		list = append(list, entry{at, slices.Clone(envelope)})
	}
}

func sameEntries(a, b []entry) bool {
	return slices.EqualFunc(a, b, func(a, b entry) bool { return a.at == b.at && bytes.Equal(a.envelope, b.envelope) })
}

func TestPackRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 5, 40, 400} {
		for _, from := range []Sender{{}, {Layer: layers.NameL1, Partition: PartitionCritical, Born: -1}, {layers.NameL4, MaxPartitions - 1, 1 << 62}} {
			want := randomEntries(t, random, n)
			sender, got, err := unpacked(packed(want).bytes(from))
			if err != nil || sender != from || !sameEntries(got, want) {
				t.Fatalf("%d signals from %+v came back as %d from %+v, error %v", n, from, len(got), sender, err)
			}
		}
	}
}

func TestPackRefusesEveryTruncation(t *testing.T) {
	data := packed(randomEntries(t, rand.New(rand.NewPCG(3, 1)), 30)).bytes(Sender{Layer: layers.NameL2, Partition: 7, Born: 1 << 60})
	for n := range data {
		if _, got, err := unpacked(data[:n:n]); !layers.IsPermanent(err) {
			t.Fatalf("%d of %d bytes give %d signals and error %v, want a permanent one", n, len(data), len(got), err)
		}
	}
	if _, _, err := unpacked(append(slices.Clone(data), 0)); !layers.IsPermanent(err) {
		t.Fatalf("one byte too many gives error %v, want a permanent one", err)
	}
}

func head(version byte, signals uint64) []byte {
	data := binary.AppendUvarint([]byte{version, byte(layers.NameL2)}, 1)
	return binary.AppendUvarint(binary.AppendVarint(data, 5), signals)
}

func TestPackRefusesWhatItCannotHold(t *testing.T) {
	for name, data := range map[string][]byte{
		"another version":         append(head(3, 1), 1, 0, 0),
		"more signals than bytes": append(head(packVersion, 1<<40), 1, 0, 0),
		"an envelope of 1 TiB":    append(head(packVersion, 1), 1, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20),
	} {
		if _, _, err := unpacked(data); !layers.IsPermanent(err) {
			t.Errorf("%s: error %v, want a permanent one", name, err)
		}
	}
}

// TestNewPackAlwaysPassesTheFilter has an operator put the same signals back again and again.
func TestNewPackAlwaysPassesTheFilter(t *testing.T) {
	f := newFilter(StageKey{Layer: layers.NameL2, Partitions: 1})
	who := identityOf("test", "s")
	for i := range 5 {
		data, err := NewPack(&layers.Envelope{}, &layers.Envelope{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := OpenPack(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, at, ok := p.Next(); ok; _, at, ok = p.Next() {
			if !f.fresh(p.Sender, at, &who, uint64(i)) {
				t.Fatalf("time %d: a signal at %v was left out", i, at)
			}
		}
	}
	if len(f.marks) > 0 || len(f.ids.ring) > 0 {
		t.Error("the filter remembers an operator's signals")
	}
}

func FuzzOpenPack(f *testing.F) {
	e := &layers.Envelope{Signal: layers.Signal{ID: "1", Source: "test", Text: strings.Repeat("a long text ", 300)}}
	envelope, err := AppendEnvelope(nil, e)
	if err != nil {
		f.Fatal(err)
	}
	p := packed([]entry{{Position{1, 0}, envelope}, {Position{1, 2}, envelope}, {Position{9, 0}, envelope}})
	f.Add(p.bytes(Sender{Layer: layers.NameL3, Partition: 3, Born: 7}))
	f.Add([]byte{packVersion, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := OpenPack(data)
		if err != nil {
			if !layers.IsPermanent(err) {
				t.Fatalf("error %v is not permanent", err)
			}
			return
		}
		if p.Signals > len(data) || p.Sender.Partition < PartitionCritical || p.Sender.Partition >= MaxPartitions {
			t.Fatalf("%d signals from %+v in %d bytes", p.Signals, p.Sender, len(data))
		}
		from, list, err := unpacked(data)
		if err != nil {
			if !layers.IsPermanent(err) {
				t.Fatalf("error %v is not permanent", err)
			}
			return
		}
		again, got, err := unpacked(packed(list).bytes(from))
		if err != nil || again != from || !sameEntries(got, list) {
			t.Fatalf("written anew %d signals are %d, error %v", len(list), len(got), err)
		}
	})
}
