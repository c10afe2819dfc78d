package tactical

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// shelf keeps items as the stream does: the last of each name, in the order of storing.
type shelf struct{ items []layers.Item }

func (s *shelf) store(items []layers.Item) {
	for _, item := range items {
		s.items = slices.DeleteFunc(s.items, func(i layers.Item) bool { return i.Name == item.Name })
		s.items = append(s.items, item)
	}
}

// event is a situation or a note.
type event struct {
	envelope *layers.Envelope
	note     *layers.Note
}

// history draws situations that open, worsen and end, many of them alike.
func history(seed uint64, n int) []event {
	random := rand.New(rand.NewPCG(seed, 1))
	words := strings.Fields("disk full slow login failed refused timeout checksum replica lag")
	revisions := map[int]int{}
	var all []event
	for i := range n {
		number := random.IntN(1 + i/2)
		id := fmt.Sprintf("sit-%d", number)
		if random.IntN(3) == 0 && revisions[number] > 0 {
			data, _ := json.Marshal(Outcome{SituationID: id, Closed: random.IntN(2) == 0, Open: int64(i), Word: WordHelped, At: int64(i)})
			all = append(all, event{note: &layers.Note{ID: strconv.Itoa(i), Kind: NoteOutcome, Data: data}})
			continue
		}
		revisions[number]++
		title := words[number%len(words)] + " " + words[number/3%len(words)]
		at := time.Unix(int64(1_700_000_000+i), 0).UTC()
		key := fmt.Sprintf("host-%d", number%7)
		all = append(all, event{envelope: &layers.Envelope{
			Signal: layers.Signal{ID: strconv.Itoa(i), Source: "test", Key: key, Time: at, Severity: layers.SeverityError},
			Findings: layers.Findings{Situation: &layers.Situation{
				ID: id, Revision: revisions[number], Key: key, Title: title, OpenedAt: at, Severity: layers.SeverityError, Members: i,
				Entities: []layers.Entity{{Name: key}},
			}},
		}})
	}
	return all
}

func (e event) happen(tb testing.TB, l *Layer) {
	tb.Helper()
	if e.note != nil {
		if err := l.Hear(e.note); err != nil {
			tb.Fatal(err)
		}
		return
	}
	again := *e.envelope
	if _, err := l.Decide(tb.Context(), &again); err != nil {
		tb.Fatal(err)
	}
}

func archiver(tb testing.TB, limit int) *Layer {
	tb.Helper()
	cfg := DefaultConfig()
	cfg.MaxMemory = limit
	always := func(string) (layers.Condition[layers.Situation], error) {
		return func(s *layers.Situation) bool { return strings.Contains(s.Title, "disk") }, nil
	}
	cfg.Playbooks = []Playbook{{Name: "disk", When: "true", Steps: []string{"Look."}}}
	l, err := New(cfg, always)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// TestMemorySurvivesCrashes kills the layer at random, between storing and snapshot as well, and wants what it remembers at the
// end to be what a layer remembers that never died.
func TestMemorySurvivesCrashes(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 2))
		limit := 5 + random.IntN(60)
		all := history(seed, 300)
		calm := archiver(t, limit)
		for _, e := range all {
			e.happen(t, calm)
		}

		var stored shelf
		var state []byte
		saved, crashes := 0, 0
		l := archiver(t, limit)
		for at := 0; at < len(all); {
			burst := min(1+random.IntN(12), len(all)-at)
			for _, e := range all[at : at+burst] {
				e.happen(t, l)
			}
			at += burst
			changed := l.Changed()
			if len(changed) > 0 && random.IntN(8) == 0 { // dies while it stores
				stored.store(changed[:random.IntN(len(changed))])
				l, at, crashes = revive(t, limit, state, &stored), saved, crashes+1
				continue
			}
			stored.store(changed)
			switch random.IntN(4) {
			case 0:
				var err error
				if state, err = l.Snapshot(); err != nil {
					t.Fatal(err)
				}
				if saved = at; len(state) > 100 {
					t.Fatalf("seed %d: a snapshot of %d bytes holds what items tell: %s", seed, len(state), state)
				}
			case 1:
				l, at, crashes = revive(t, limit, state, &stored), saved, crashes+1
			}
		}
		if diff := cmp.Diff(calm.memory.all(), l.memory.all()); diff != "" {
			t.Fatalf("seed %d, %d crashes, memory of %d (-calm +crashed):\n%s", seed, crashes, limit, diff)
		}
	}
}

// revive begins a new life from the last snapshot.
func revive(tb testing.TB, limit int, state []byte, stored *shelf) *Layer {
	tb.Helper()
	l := archiver(tb, limit)
	if state == nil {
		return l
	}
	if err := l.Restore(state); err != nil {
		tb.Fatal(err)
	}
	if err := l.Recover(slices.Values(stored.items)); err != nil {
		tb.Fatal(err)
	}
	return l
}

// TestSnapshotOfTheFirstLayout reads what stood in a checkpoint before there were items: all of it is told as items then.
func TestSnapshotOfTheFirstLayout(t *testing.T) {
	l := archiver(t, 10)
	old := `{"version":1,"memory":[{"id":"a","revision":2,"title":"disk full","description":{"words":["disk","full"],"key":"k",` +
		`"severity":"error","entities":["k"]}},{"id":"b","revision":1,"description":{"severity":"error"}}]}`
	if err := l.Restore([]byte(old)); err != nil {
		t.Fatal(err)
	}
	if err := l.Recover(slices.Values([]layers.Item{})); err != nil {
		t.Fatal(err)
	}
	if r := l.memory.find("a"); r == nil || r.Revision != 2 || len(l.memory.items) != 2 {
		t.Errorf("remembered %v", l.memory.items)
	}
	if n := len(l.Changed()); n != 2 {
		t.Errorf("%d items told, want 2", n)
	}
}

func FuzzRecover(f *testing.F) {
	l := archiver(f, 10)
	for _, e := range history(1, 30) {
		e.happen(f, l)
	}
	for _, item := range l.Changed() {
		f.Add(item.Data, uint64(40))
	}
	f.Add([]byte(`{"clock":9,"number":1,"now":{"id":"a"},"before":{"clock":1,"number":1,"now":{"id":"a"}}}`), uint64(5))
	f.Fuzz(func(t *testing.T, data []byte, clock uint64) {
		l := archiver(t, 10)
		if err := l.Restore(fmt.Appendf(nil, `{"version":2,"clock":%d,"memory":[]}`, clock)); err != nil {
			t.Fatal(err)
		}
		if err := l.Recover(slices.Values([]layers.Item{{Name: "a", Data: data}, {Name: "b", Data: data}})); err != nil {
			return
		}
		if len(l.memory.items) > 1 {
			t.Fatalf("one situation is remembered %d times", len(l.memory.items))
		}
		history(1, 1)[0].happen(t, l)
	})
}
