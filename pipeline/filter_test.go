package pipeline

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// arrival is a signal as a stage gets it.
type arrival struct {
	from Sender
	at   Position
}

// arrivals returns what several senders store when they break off and begin again at an earlier place, which may be
// any that they had reached: each goes on in order from there. It ends when each has stored n signals.
func arrivals(r *rand.Rand, senders []Sender, n int) []arrival {
	var list []arrival
	done, next := make([]int, len(senders)), make([]int, len(senders))
	for left := len(senders); left > 0; {
		i := r.IntN(len(senders))
		if done[i] == n {
			continue
		}
		if r.IntN(3) == 0 { // A life ends, the next one begins at a checkpoint.
			next[i] = r.IntN(done[i] + 1)
		}
		for range 1 + r.IntN(20) {
			if next[i] == n {
				break
			}
			// Three signals to a message, and sequences with gaps.
			list = append(list, arrival{senders[i], Position{Seq: uint64(5 + next[i]/3*2), Index: uint32(next[i] % 3)}})
			next[i]++
		}
		if done[i] = max(done[i], next[i]); done[i] == n {
			left--
		}
	}
	return list
}

// again returns a filter that starts from the snapshot of another.
func again(t testing.TB, key StageKey, f *filter) *filter {
	t.Helper()
	restored := newFilter(key)
	state, _, err := restored.restore(f.snapshot([]byte("state")))
	if err != nil || string(state) != "state" {
		t.Fatalf("the worker's state came back as %q, error %v", state, err)
	}
	return restored
}

func TestFilterTakesEachSignalOnce(t *testing.T) {
	const n = 100
	key := StageKey{Layer: layers.NameL4, Partitions: 1}
	senders := []Sender{
		{Layer: layers.NameL3, Partition: 0, Born: 7}, {Layer: layers.NameL3, Partition: 1, Born: 7},
		{Layer: layers.NameL2, Partition: PartitionCritical, Born: -3}, {Layer: layers.NameL4, Partition: 0, Born: 7},
	}
	for seed := range uint64(50) {
		r := newRandom(seed)
		steady, restarted := newFilter(key), newFilter(key)
		taken := map[arrival]int{}
		list := arrivals(r, senders, n)
		for i, a := range list {
			fresh := steady.fresh(a.from, a.at, &identity{}, uint64(i))
			if r.IntN(10) == 0 {
				restarted = again(t, key, restarted)
			}
			if got := restarted.fresh(a.from, a.at, &identity{}, uint64(i)); got != fresh {
				t.Fatalf("seed %d: %+v is new: %v with a restart, %v without", seed, a, got, fresh)
			}
			if fresh {
				taken[a]++
			}
		}
		if len(list) <= n*len(senders) || len(taken) != n*len(senders) {
			t.Fatalf("seed %d: %d of %d signals taken out of %d", seed, len(taken), n*len(senders), len(list))
		}
		for a, times := range taken {
			if times != 1 {
				t.Fatalf("seed %d: %+v was taken %d times", seed, a, times)
			}
		}
	}
}

func TestFilterForgetsTheElderStream(t *testing.T) {
	f := newFilter(StageKey{Layer: layers.NameL3, Partitions: 1})
	old, other := Sender{Layer: layers.NameL2, Partition: 3, Born: 10}, Sender{Layer: layers.NameL2, Partition: 4, Born: 10}
	f.fresh(old, Position{Seq: 900}, &identity{}, 1)
	f.fresh(other, Position{Seq: 800}, &identity{}, 2)
	anew := old
	anew.Born = 11
	for seq := range uint64(3) {
		if !f.fresh(anew, Position{Seq: 1 + seq}, &identity{}, 3+seq) {
			t.Errorf("signal %d of the stream that was made anew was left out", 1+seq)
		}
		if f.fresh(anew, Position{Seq: 1 + seq}, &identity{}, 3+seq) {
			t.Errorf("signal %d of the stream that was made anew was taken twice", 1+seq)
		}
	}
	want := map[Sender]Position{anew: {Seq: 3}, other: {Seq: 800}}
	if diff := cmp.Diff(want, f.marks); diff != "" {
		t.Errorf("marks differ (-want +got):\n%s", diff)
	}
}

// FuzzFilterRestore hands any bytes to restore: what it takes must come back the same.
func FuzzFilterRestore(f *testing.F) {
	some := newFilter(StageKey{Layer: layers.NameL2, Partitions: 1})
	for i := range 5 {
		some.fresh(Sender{Layer: layers.NameL2, Partition: i - 1, Born: int64(i)}, Position{Seq: uint64(i), Index: 2}, &identity{}, 1)
	}
	f.Add(some.snapshot([]byte("state")))
	f.Add(newFilter(StageKey{}).snapshot(nil))
	f.Add([]byte{})
	f.Add(binary.AppendUvarint([]byte{stateVersion, 0}, math.MaxUint64))
	apart := &filter{marks: map[Sender]Position{}}
	for _, born := range []int64{math.MinInt64, math.MaxInt64, -1, 0, 1, math.MinInt64 / 2, math.MaxInt64 / 2} {
		apart.marks[Sender{Layer: layers.NameL3, Born: born}] = Position{Seq: uint64(born)}
	}
	for _, partition := range []int{math.MinInt, math.MaxInt, 0, math.MaxInt / 2, math.MinInt / 2} { // as spoilt bytes may say
		apart.marks[Sender{Layer: layers.NameL4, Partition: partition}] = Position{Seq: 1}
	}
	f.Add(apart.snapshot([]byte{1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		first := newFilter(StageKey{Layer: layers.NameL3, Partitions: 1})
		state, _, err := first.restore(data)
		if len(first.marks) > len(data)/5 {
			t.Fatalf("%d bytes became %d marks", len(data), len(first.marks))
		}
		if err != nil {
			return
		}
		saved := first.snapshot(state)
		second := newFilter(StageKey{Layer: layers.NameL3, Partitions: 1})
		again, _, err := second.restore(saved)
		if err != nil || !bytes.Equal(again, state) {
			t.Fatalf("own state %q came back as %q, error %v", state, again, err)
		}
		if diff := cmp.Diff(first.marks, second.marks); diff != "" {
			t.Fatalf("marks differ (-first +second):\n%s", diff)
		}
		for range 5 {
			if !bytes.Equal(second.snapshot(state), saved) {
				t.Fatal("the same marks give other bytes")
			}
		}
	})
}

func TestFilterRestoreRefusesEveryTruncation(t *testing.T) {
	f := newFilter(StageKey{Layer: layers.NameL3, Partitions: 1})
	f.fresh(Sender{Layer: layers.NameL2, Born: 1 << 40}, Position{Seq: 1 << 20, Index: 3}, &identity{}, 1)
	data := f.snapshot(nil)
	for n := range data {
		if _, _, err := newFilter(StageKey{Layer: layers.NameL3}).restore(data[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a state", n, len(data))
		}
	}
	if _, _, err := newFilter(StageKey{}).restore(append([]byte{stateVersion + 1}, data[1:]...)); err == nil {
		t.Error("a state of another version was taken")
	}
}

// heads are stored packs of L1, as Past reads them.
func heads(r *rand.Rand, messages, back int) []Delivery {
	list := make([]Delivery, messages)
	var sent []byte
	for i := range list {
		var ids []byte
		for range 1 + r.IntN(4) {
			if n := len(sent) / idBytes; n > 0 && r.IntN(3) == 0 { // another process of L1 sends it, too
				old := n - 1 - r.IntN(min(n, back))
				ids = append(ids, sent[old*idBytes:(old+1)*idBytes]...)
				continue
			}
			id := binary.BigEndian.AppendUint64(nil, r.Uint64())
			ids, sent = append(ids, id...), append(sent, id...)
		}
		list[i] = Delivery{Seq: uint64(i + 1), Header: map[string][]string{HeaderIDs: {base64.RawStdEncoding.EncodeToString(ids)}}}
	}
	return list
}

// TestFilterKnowsSignalsOfL1ByIdentity restarts a filter at L2 anywhere: it reads the identities again that it had.
func TestFilterKnowsSignalsOfL1ByIdentity(t *testing.T) {
	const limit, back = 64, 12
	key, from := StageKey{Layer: layers.NameL2, Partitions: 1}, Sender{Layer: layers.NameL1, Born: 1}
	for seed := range uint64(30) {
		r := newRandom(seed)
		list := heads(r, 200, back)
		f, taken := newFilter(key), map[string]int{}
		f.ids = newRecentIDs(limit)
		for i := range list {
			d := &list[i]
			if r.IntN(10) == 0 {
				restored := newFilter(key)
				_, first, err := restored.restore(f.snapshot(nil))
				if err != nil {
					t.Fatal(err)
				}
				restored.ids = newRecentIDs(limit)
				for past := range list[:i] {
					if list[past].Seq >= first && first > 0 {
						restored.ids.readHead(&list[past])
					}
				}
				f = restored
			}
			for _, id := range IdentitiesIn(d.Header) {
				var who identity
				copy(who[:], id)
				fresh := f.fresh(from, Position{Seq: 1}, &who, d.Seq) // The place says nothing: senders share it.
				if known := taken[id] > 0; fresh == known {
					t.Fatalf("seed %d: identity %x of message %d is new: %v, known %v", seed, id, d.Seq, fresh, known)
				}
				taken[id]++
			}
		}
	}
}

func TestRecentIDsForgetTheOldestFirst(t *testing.T) {
	for _, limit := range []int{1, 2, 7} {
		ids := newRecentIDs(limit)
		if ids.first() != 0 || (*recentIDs)(nil).first() != 0 {
			t.Error("nothing remembered has a first message")
		}
		for i := range uint64(40) {
			if !ids.add(i, 100+i) || ids.add(i, 500) {
				t.Fatalf("limit %d: identity %d must be new once", limit, i)
			}
			if want := 100 + max(i+1, uint64(limit)) - uint64(limit); ids.first() != want {
				t.Fatalf("limit %d: the oldest of %d identities is from message %d, want %d", limit, i+1, ids.first(), want)
			}
			if want := min(limit, int(i)+1); len(ids.known) != want || len(ids.ring) != want {
				t.Fatalf("limit %d: %d identities known and %d in the ring, want %d", limit, len(ids.known), len(ids.ring), want)
			}
		}
		if ids.add(39, 0) || !ids.add(39-uint64(limit), 0) {
			t.Errorf("limit %d: the newest must be known and the one before the oldest forgotten", limit)
		}
	}
}

func TestIdentitiesInSparesForeignHeaders(t *testing.T) {
	for value, want := range map[string]int{
		"": 0, "not base64!": 0, base64.RawStdEncoding.EncodeToString(make([]byte, 7)): 0,
		base64.RawStdEncoding.EncodeToString(make([]byte, 8)): 1, base64.RawStdEncoding.EncodeToString(make([]byte, 23)): 2,
	} {
		if got := IdentitiesIn(map[string][]string{HeaderIDs: {value}}); len(got) != want {
			t.Errorf("%q names %d identities, want %d", value, len(got), want)
		}
	}
	if IdentitiesIn(nil) != nil || IdentitiesIn(map[string][]string{HeaderIDs: {}}) != nil {
		t.Error("no header names identities")
	}
}

func TestFilterLimitsItsIdentities(t *testing.T) {
	for partitions, want := range map[int]int{0: idsMost, 1: idsMost, 4: idsMost / 4, MaxPartitions: idsLeast} {
		if got := newFilter(StageKey{Layer: layers.NameL2, Partitions: partitions}).ids.limit; got != want {
			t.Errorf("%d partitions: %d identities, want %d", partitions, got, want)
		}
	}
	if newFilter(StageKey{Layer: layers.NameL3}).ids != nil {
		t.Error("L3 keeps identities, but hears nothing of L1")
	}
}
