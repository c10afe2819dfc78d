package dead_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// newest returns the numbers of the letters that a filter lets through, newest first.
func newest(t *testing.T, b *bus.Bus, f dead.Filter, most int) (seqs []uint64) {
	t.Helper()
	err := open(t, b).Newest(t.Context(), f, func(l *dead.Letter) bool {
		seqs = append(seqs, l.Seq)
		return len(seqs) < most
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func TestShelfFilters(t *testing.T) {
	b, _ := provisioned(t)
	if got := newest(t, b, dead.Filter{}, 10); got != nil {
		t.Errorf("an empty shelf gives %v", got)
	}
	shelve(t, b, 0, 2)
	time.Sleep(20 * time.Millisecond) // NATS and this process need not have the same clock to the millisecond.
	since := time.Now()
	other := rubbish(t, 2)
	other.Header[pipeline.HeaderSignalSource], other.Header[pipeline.HeaderError] = "web", "layer L3 Panicked"
	other.Subject = "hal9.dead.L3"
	publish(t, b, other)
	shelve(t, b, 3, 4)
	marks, err := b.Marks(t.Context(), pipeline.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	if err := marks.Add(t.Context(), 1, 4); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		filter dead.Filter
		want   []uint64
	}{
		{"none", dead.Filter{}, []uint64{3, 2}},
		{"redriven, too", dead.Filter{Redriven: true}, []uint64{4, 3, 2, 1}},
		{"layer", dead.Filter{Layer: "L3"}, []uint64{3}},
		{"source", dead.Filter{Source: "shop", Redriven: true}, []uint64{4, 2, 1}},
		{"reason in another case", dead.Filter{Reason: "pANICked"}, []uint64{3}},
		{"since", dead.Filter{Since: since, Redriven: true}, []uint64{4, 3}},
		{"since and layer", dead.Filter{Since: since, Layer: "L1"}, nil},
		{"nothing", dead.Filter{Layer: "L5"}, nil},
	} {
		if diff := cmp.Diff(c.want, newest(t, b, c.filter, 10)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		oldest := choose(t, b, c.filter)
		for i, seq := range oldest {
			if len(oldest) != len(c.want) || seq != c.want[len(c.want)-1-i] {
				t.Errorf("%s: selected %v, want %v from behind", c.name, oldest, c.want)
				break
			}
		}
	}
	if got := newest(t, b, dead.Filter{Redriven: true}, 2); len(got) != 2 {
		t.Errorf("%v, want the listing to end when told", got)
	}
}

func TestSummaryCountsByLayerAndReason(t *testing.T) {
	b, _ := provisioned(t)
	for i := range 6 {
		l := rubbish(t, i)
		l.Header[pipeline.HeaderError] = fmt.Sprintf("ingest: broken JSON at byte %d", i)
		if i == 5 {
			l.Subject = "hal9.dead.L2"
		}
		publish(t, b, l)
	}
	for i := range 600 { // More kinds than are told apart.
		l := rubbish(t, 10+i)
		l.Header[pipeline.HeaderError] = "kind " + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		publish(t, b, l)
	}
	sum, err := open(t, b).Summary(t.Context(), dead.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Letters != 606 || sum.Redriven != 0 || sum.Newest.Before(sum.Oldest) || len(sum.Groups) != 501 {
		t.Errorf("%d letters, %d redriven, %d groups", sum.Letters, sum.Redriven, len(sum.Groups))
	}
	want := []dead.Group{{Class: dead.OtherClass, Count: 102, Newest: 606}, {Layer: "L1", Class: "broken JSON at byte #", Count: 5, Newest: 5}}
	if diff := cmp.Diff(want, sum.Groups[:2]); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	total := 0
	for _, g := range sum.Groups {
		total += g.Count
	}
	if total != sum.Letters {
		t.Errorf("the groups have %d letters, want %d", total, sum.Letters)
	}
}

func TestFind(t *testing.T) {
	b, _ := provisioned(t)
	shelve(t, b, 0, 3)
	number := rubbish(t, 3)
	number.Header[pipeline.HeaderSignalID] = "2"
	twin := rubbish(t, 4)
	twin.Header[pipeline.HeaderSignalID], twin.Header[pipeline.HeaderSignalSource] = "r1", "web"
	publish(t, b, number, twin)
	shelf := open(t, b)
	for _, c := range []struct {
		names []string
		want  []uint64
	}{
		{[]string{"3", "r0", "1", "r0"}, []uint64{1, 3}},
		{[]string{"2"}, []uint64{2}},
		{[]string{"id:2"}, []uint64{4}},
		{nil, nil},
	} {
		got, err := shelf.Find(t.Context(), c.names...)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%v: %v (-want +got):\n%s", c.names, err, diff)
		}
	}
	if _, err := shelf.Find(t.Context(), "r1"); err == nil || err.Error() != "dead: 2 letters are about r1: 2, 5: say which by number" {
		t.Errorf("two letters of one id: %v", err)
	}
	for _, name := range []string{"nope", "0", "6", "99999999999999999999", "id:9"} {
		_, err := shelf.Find(t.Context(), name)
		if _, ok := errors.AsType[*dead.NotFoundError](err); !ok {
			t.Errorf("%s: %v, want that there is none", name, err)
		}
	}
}

// TestHundredThousandLetters lists, counts and puts back what a bad night leaves behind.
func TestHundredThousandLetters(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const n = 100_000
	b, _ := provisioned(t)
	shelve(t, b, 0, n)
	sum, err := open(t, b).Summary(t.Context(), dead.Filter{})
	if err != nil || sum.Letters != n || len(sum.Groups) != 1 || sum.Groups[0].Count != n {
		t.Fatalf("%v, summary %+v", err, sum)
	}
	want := uint64(n)
	err = open(t, b).Newest(t.Context(), dead.Filter{}, func(l *dead.Letter) bool {
		if l.Seq != want || l.SignalID != fmt.Sprint("r", want-1) || l.Size == 0 {
			t.Fatalf("letter %d of signal %s, want %d", l.Seq, l.SignalID, want)
		}
		want--
		return true
	})
	if err != nil || want != 0 {
		t.Fatalf("%v, %d letters were not listed", err, want)
	}
	redrive, _ := newRedrive(t, b, layers.NameL1)
	outcome, err := redrive.Run(t.Context(), choose(t, b, dead.Filter{}))
	if err != nil || outcome.Redriven != n {
		t.Fatalf("%v, %+v", err, outcome)
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
	if left := newest(t, b, dead.Filter{}, 1); left != nil {
		t.Errorf("letter %d is left", left)
	}
	t.Logf("%.0f letters/s", outcome.Rate)
}
