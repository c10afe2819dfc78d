package pipeline

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// sent is a signal as a filter sees it.
type sent struct {
	from Sender
	at   Position
	who  identity
	seq  uint64 // of the message in the reader's stream
}

// storedTwice returns the messages of a reader's stream: each sender's signals in packs, in order, and at random
// places packs that a sender stored again from some place on, as a new life or a late owner does.
func storedTwice(random *rand.Rand, senders []Sender, signals int) []sent {
	var stream []sent
	next := make([]int, len(senders))
	for seq := uint64(1); len(stream) < 3*signals*len(senders); seq++ {
		which := random.IntN(len(senders))
		begin := next[which]
		if begin > 0 && random.IntN(3) == 0 {
			begin = random.IntN(begin)
		}
		for i := begin; i < min(begin+1+random.IntN(20), signals); i++ {
			stream = append(stream, sentAs(senders[which], i, seq))
			next[which] = max(next[which], i+1)
		}
	}
	return stream
}

func sentAs(from Sender, i int, seq uint64) sent {
	return sent{from, Position{Seq: uint64(1 + i/4), Index: uint32(i % 4)}, identityOf(fmt.Sprint(from), strconv.Itoa(i)), seq}
}

func (s *sent) key() string { return fmt.Sprint(s.from, s.at) }

// TestFilterPassesEachSignalOnce also goes on from a snapshot at every few messages, and must tell no difference.
func TestFilterPassesEachSignalOnce(t *testing.T) {
	for name, c := range map[string]struct {
		key     StageKey
		senders []Sender
	}{
		"above L2": {StageKey{Layer: layers.NameL4, Partitions: 3}, []Sender{{layers.NameL3, 0, 10}, {layers.NameL3, 1, 10}, {layers.NameL4, 2, 11}}},
		"L2":       {StageKey{Layer: layers.NameL2, Partitions: 3}, []Sender{{layers.NameL1, 0, 10}, {layers.NameL1, PartitionCritical, 10}}},
	} {
		t.Run(name, func(t *testing.T) {
			const signals = 300
			random := rand.New(rand.NewPCG(4, 1))
			stream := storedTwice(random, c.senders, signals)
			passed := map[string]int{}
			f := newFilter(c.key)
			restarts := 0
			for i := range stream {
				m := &stream[i]
				if i > 0 && m.seq != stream[i-1].seq && random.IntN(4) == 0 {
					f = restarted(t, c.key, f, stream[:i])
					restarts++
				}
				if f.fresh(m.from, m.at, &m.who, m.seq) {
					passed[m.key()]++
				}
			}
			if len(passed) != signals*len(c.senders) || restarts < 5 {
				t.Errorf("%d signals passed, want %d (%d restarts)", len(passed), signals*len(c.senders), restarts)
			}
			for key, times := range passed {
				if times != 1 {
					t.Errorf("signal %s passed %d times", key, times)
				}
			}
		})
	}
}

// restarted returns the filter that a new life makes of a snapshot and of the heads in its stream.
func restarted(t *testing.T, key StageKey, old *filter, past []sent) *filter {
	t.Helper()
	f := newFilter(key)
	state, from, err := f.restore(old.snapshot([]byte("the layer's")))
	if err != nil || string(state) != "the layer's" {
		t.Fatalf("state %q, error %v", state, err)
	}
	if !maps.Equal(f.marks, old.marks) {
		t.Fatalf("marks %v came back as %v", old.marks, f.marks)
	}
	for i := range past {
		if f.ids != nil && from > 0 && past[i].seq >= from {
			f.ids.readHead(headOf(past[i].seq, &past[i].who))
		}
	}
	return f
}

// headOf is the head of a pack from L1 with these signals.
func headOf(seq uint64, who ...*identity) *Delivery {
	var ids []byte
	for _, w := range who {
		ids = append(ids, w[:idBytes]...)
	}
	return &Delivery{Seq: seq, Header: map[string][]string{HeaderIDs: {base64.RawStdEncoding.EncodeToString(ids)}}}
}

func TestStreamMadeAnewCountsFromOneAgain(t *testing.T) {
	f := newFilter(StageKey{Layer: layers.NameL4, Partitions: 2})
	other := Sender{layers.NameL3, 1, 10}
	for _, step := range []struct {
		from Sender
		seq  uint64
		want bool
	}{
		{Sender{layers.NameL3, 0, 10}, 500, true},
		{other, 400, true},
		{Sender{layers.NameL3, 0, 10}, 500, false},
		{Sender{layers.NameL3, 0, 20}, 1, true}, // Made anew.
		{Sender{layers.NameL3, 0, 20}, 1, false},
		{Sender{layers.NameL3, 0, 20}, 2, true},
		{other, 400, false}, // Nobody else's mark went with it.
	} {
		if got := f.fresh(step.from, Position{Seq: step.seq}, &identity{}, 1); got != step.want {
			t.Errorf("%+v at %d: fresh %t, want %t", step.from, step.seq, got, step.want)
		}
	}
	if _, kept := f.marks[Sender{layers.NameL3, 0, 10}]; kept || len(f.marks) != 2 {
		t.Errorf("marks %v: the elder must be forgotten and nobody else", f.marks)
	}
}

func TestSnapshotIsTheSameForTheSameMarks(t *testing.T) {
	a, b := newFilter(StageKey{Layer: layers.NameL3}), newFilter(StageKey{Layer: layers.NameL3})
	for i := range 50 {
		for f, n := range map[*filter]int{a: i, b: 49 - i} {
			f.fresh(Sender{layers.Name(2 + n%3), n/3 - 1, int64(n % 2)}, Position{Seq: uint64(n), Index: 1}, &identity{}, 1)
		}
	}
	if string(a.snapshot(nil)) != string(b.snapshot(nil)) {
		t.Error("the order of arrival is in the snapshot")
	}
}

func FuzzFilterRestore(f *testing.F) {
	full := newFilter(StageKey{Layer: layers.NameL2, Partitions: 1})
	full.fresh(Sender{layers.NameL2, PartitionCritical, 1 << 60}, Position{1 << 40, 7}, &identity{}, 1)
	full.fresh(Sender{layers.NameL1, 0, 1}, Position{1, 0}, &identity{1}, 77)
	f.Add(full.snapshot([]byte("state")))
	f.Add([]byte{stateVersion, 0, 0})
	f.Add([]byte{stateVersion, 0, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, b := newFilter(StageKey{Layer: layers.NameL3}), newFilter(StageKey{Layer: layers.NameL3})
		state, _, err := a.restore(data)
		if err != nil {
			return
		}
		if len(a.marks) > len(data)/5 {
			t.Fatalf("%d marks in %d bytes", len(a.marks), len(data))
		}
		again, _, err := b.restore(a.snapshot(state))
		if err != nil || string(again) != string(state) || !maps.Equal(a.marks, b.marks) {
			t.Fatalf("marks %v and state %q came back as %v and %q, error %v", a.marks, state, b.marks, again, err)
		}
	})
}

func TestRestoreRefusesEveryTruncation(t *testing.T) {
	full := newFilter(StageKey{Layer: layers.NameL3})
	for i := range 5 {
		full.fresh(Sender{layers.NameL2, i, 1 << 60}, Position{1 << 40, 7}, &identity{}, 1)
	}
	data := full.snapshot(nil)
	for n := range data {
		if _, _, err := newFilter(StageKey{Layer: layers.NameL3}).restore(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for a state", n, len(data))
		}
	}
}

// TestCriticalSignalPassesOnceOnEitherWay brings critical signals to L3 by both of their ways, the second time after a restart
// as well.
func TestCriticalSignalPassesOnceOnEitherWay(t *testing.T) {
	key := StageKey{Layer: layers.NameL3, Partitions: 1}
	f := newFakes(t, key)
	bring := func(partition int, seq uint64, severity layers.Severity) (passed bool) {
		t.Helper()
		pack, err := PackFrom(Sender{Layer: layers.NameL2, Partition: partition, Born: 1}, &layers.Envelope{Signal: layers.Signal{
			ID: fmt.Sprint("s", severity), Source: "test", Key: "k", Severity: severity,
		}})
		if err != nil {
			t.Fatal(err)
		}
		before := f.out.signals
		if err := f.worker.handle(t.Context(), &Delivery{Seq: seq, Data: pack}, f.stage); err != nil {
			t.Fatal(err)
		}
		return f.out.signals > before
	}
	if !bring(0, 1, layers.SeverityCritical) || bring(PartitionCritical, 2, layers.SeverityCritical) {
		t.Error("a critical signal must pass once")
	}
	f.filter = restarted(t, key, f.filter, nil)
	f.filter.marks = map[Sender]Position{}
	if bring(PartitionCritical, 3, layers.SeverityCritical) {
		t.Error("a critical signal passed again after a restart")
	}
	if !bring(0, 4, layers.SeverityError) {
		t.Error("another signal did not pass")
	}
}
