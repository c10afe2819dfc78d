package pipeline

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/2lab-ai/hal9/layers"
)

// anew returns the same map filled in another order.
func anew[V any](r *rand.Rand, m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	names := sortedKeys(m)
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	again := make(map[string]V)
	for _, name := range names {
		again[name] = m[name]
	}
	return again
}

func FuzzEnvelopeRoundTrip(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, "text", "label", []byte(`{"a":1}`), 0.5)
	}
	f.Add(uint64(1), strings.Repeat("\u4e16", TextMost), "\xff\xfe", bytes.Repeat([]byte{'1'}, DataMost+1), math.NaN())
	f.Add(uint64(2), strings.Repeat("x", togetherMost), "", []byte(nil), math.Inf(-1))
	f.Fuzz(func(t *testing.T, seed uint64, text, label string, data []byte, value float64) {
		r := newRandom(seed)
		e := randomEnvelope(r)
		e.Text += text
		e.Findings.FlagReason += text
		if e.HasValue {
			e.Value = value
		}
		if len(e.Labels) > 0 {
			e.Labels[label] = text
			e.Findings.Features[label] = value
		}
		if len(data) > 0 {
			e.Data = json.RawMessage(data)
		}
		encoded := encode(t, e)
		got, err := DecodeEnvelope(encoded)
		if err != nil {
			t.Fatal(err)
		}
		want := *e
		want.Text = cut(e.Text, TextMost)
		if len(e.Data) > DataMost {
			want.Data = nil
		}
		if diff := cmp.Diff(&want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("decoded envelope differs (-want +got):\n%s", diff)
		}
		if again := encode(t, got); !bytes.Equal(again, encoded) {
			t.Fatalf("the decoded envelope is encoded to other bytes:\n%x\n%x", encoded, again)
		}
		e.Labels, e.Findings.Features = anew(r, e.Labels), anew(r, e.Findings.Features)
		after, err := AppendEnvelope([]byte("before"), e)
		if err != nil || string(after[:6]) != "before" || !bytes.Equal(after[6:], encoded) {
			t.Fatalf("an equal envelope behind other bytes, error %v, is encoded to\n%q, want\n%q", err, after, encoded)
		}
	})
}

// FuzzDecodeParcel hands any bytes to the decoder inside a stage, which reads into the room of the parcel before.
func FuzzDecodeParcel(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(encode(f, randomEnvelope(newRandom(seed))))
	}
	f.Add([]byte{codecVersion})
	f.Add(binary.AppendUvarint([]byte{codecVersion}, math.MaxUint64))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := parcel{Envelope: layers.Envelope{Hops: make([]layers.Hop, 0, 8)}}
		err := p.decode(data)
		if err != nil && !layers.IsPermanent(err) {
			t.Fatalf("error %v is not permanent", err)
		}
		// Each of these takes at least one byte of the input, however it is spoilt.
		if n := len(p.Labels) + len(p.Hops) + len(p.Findings.Parameters) + len(p.Findings.Features); n > len(data) {
			t.Fatalf("%d bytes became %d elements", len(data), n)
		}
		if err != nil {
			return
		}
		var fresh parcel
		if err := fresh.decode(data); err != nil {
			t.Fatal(err)
		}
		opts := cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}
		if diff := cmp.Diff(fresh.Envelope, p.Envelope, opts); diff != "" {
			t.Fatalf("a parcel that is used again reads another envelope (-new +again):\n%s", diff)
		}
	})
}

// TestDecodeTakesLittleMemory states numbers of elements that the bytes do not hold.
func TestDecodeTakesLittleMemory(t *testing.T) {
	whole := encode(t, &layers.Envelope{})
	var block, rest []byte
	size, n := binary.Uvarint(whole[1:])
	block, rest = whole[1+n:1+n+int(size)], whole[1+n+int(size):]
	for name, spoil := range map[string]func(huge []byte) []byte{
		"block":  func(huge []byte) []byte { return append([]byte{codecVersion}, huge...) },
		"labels": func(huge []byte) []byte { return blockOf(append(bytes.Clone(block[:len(block)-2]), huge...), rest) },
		"data":   func(huge []byte) []byte { return blockOf(append(bytes.Clone(block[:len(block)-1]), huge...), rest) },
		"hops":   func(huge []byte) []byte { return blockOf(block, append([]byte{0}, huge...)) },
		"parameters": func(huge []byte) []byte {
			return blockOf(block, append(append(make([]byte, 6), make([]byte, 8)...), huge...))
		},
		"features": func(huge []byte) []byte {
			return blockOf(block, append(append(make([]byte, 7), make([]byte, 8)...), huge...))
		},
	} {
		for _, count := range []uint64{1 << 10, 1 << 31, 1 << 40, math.MaxUint64} {
			data := append(spoil(binary.AppendUvarint(nil, count)), make([]byte, 100)...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := DecodeEnvelope(data)
			runtime.ReadMemStats(&after)
			if !layers.IsPermanent(err) {
				t.Errorf("%s: count %d gives error %v, want a permanent one", name, count, err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
				t.Errorf("%s: count %d in %d bytes took %d bytes of memory", name, count, len(data), took)
			}
		}
	}
}

// blockOf returns an envelope of a block and what follows it.
func blockOf(block, rest []byte) []byte {
	data := binary.AppendUvarint([]byte{codecVersion}, uint64(len(block)))
	return append(append(data, block...), rest...)
}

func TestSignalGoesUpAsItCame(t *testing.T) {
	for seed := range uint64(50) {
		r := newRandom(seed)
		e := randomEnvelope(r)
		var p parcel
		if err := p.decode(encode(t, e)); err != nil {
			t.Fatal(err)
		}
		came := bytes.Clone(p.block)
		// A layer adds findings; whatever it does to the signal stays with it.
		p.Findings = randomEnvelope(r).Findings
		p.Hops = append(p.Hops, layers.Hop{Layer: layers.NameL4, WaitUS: 1})
		p.Text, p.Severity, p.Labels = "changed", layers.SeverityCritical, map[string]string{"changed": "too"}
		data, err := appendParcel(nil, &p)
		if err != nil {
			t.Fatal(err)
		}
		var next parcel
		if err := next.decode(data); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(next.block, came) || next.identity != identityOf(e.Source, e.ID) {
			t.Fatalf("the signal came as\n%q and went up as\n%q", came, next.block)
		}
		if diff := cmp.Diff(p.Findings, next.Findings); diff != "" {
			t.Fatalf("findings of the next layer (-sent +got):\n%s", diff)
		}
		if diff := cmp.Diff(e.Signal, next.Signal); diff != "" {
			t.Fatalf("signal of the next layer (-first +got):\n%s", diff)
		}
		if len(next.Hops) != len(e.Hops)+1 {
			t.Fatalf("%d hops, want %d", len(next.Hops), len(e.Hops)+1)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	full := strings.Repeat("x", TextMost)
	for name, c := range map[string]struct{ text, want string }{
		"at the limit":          {full, full},
		"one byte above":        {full + "y", full},
		"two bytes astride":     {full[1:] + "\u00e9", full[1:]},
		"three bytes astride":   {full[2:] + "\u4e16 and more", full[2:]},
		"four bytes astride":    {full[1:] + "\U0001f525", full[1:]},
		"four bytes at the end": {full[4:] + "\U0001f525z", full[4:] + "\U0001f525"},
	} {
		got, err := DecodeEnvelope(encode(t, &layers.Envelope{Signal: layers.Signal{Text: c.text}}))
		if err != nil {
			t.Fatal(err)
		}
		if got.Text != c.want || !utf8.ValidString(got.Text) {
			t.Errorf("%s: %d bytes became %d, want %d", name, len(c.text), len(got.Text), len(c.want))
		}
	}
	for size, want := range map[int]int{DataMost - 1: DataMost - 1, DataMost: DataMost, DataMost + 1: 0, 8 * DataMost: 0} {
		data := bytes.Repeat([]byte{'7'}, size)
		got, err := DecodeEnvelope(encode(t, &layers.Envelope{Signal: layers.Signal{Data: data, Text: "stays"}}))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Data) != want || got.Text != "stays" {
			t.Errorf("%d bytes of data became %d, want %d", size, len(got.Data), want)
		}
	}
}

func TestTimeKeepsItsNanoseconds(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Unix(0, -1).UTC(), time.Unix(0, math.MaxInt64).UTC(), time.Unix(0, math.MinInt64+1).UTC()} {
		got, err := DecodeEnvelope(encode(t, &layers.Envelope{Signal: layers.Signal{Time: at}, ReceivedAt: at}))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Time.Equal(at) || !got.ReceivedAt.Equal(at) || got.Time.Location() != time.UTC {
			t.Errorf("%v became %v", at, got.Time)
		}
	}
}
