package strategic_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// feed gives the tracker many verdicts over two windows, some late.
func feed(tracker *strategic.Tracker, seed uint64, n int) {
	random := rand.New(rand.NewPCG(seed, 1))
	start := noon.Add(time.Duration(seed) * month)
	for range n {
		v := verdict(start.Add(time.Duration(random.Int64N(int64(2*month)))), random.IntN(50) > 0)
		v.Severity = layers.Severity(random.IntN(6))
		tracker.Observe(v)
	}
}

func severe() strategic.Objective {
	return strategic.Objective{Name: "severe", Target: .9, Window: 36 * time.Hour, Total: "severity >= error", Good: `disposition != "dead"`}
}

func snapshotOf(tb testing.TB, keeper layers.Keeper) []byte {
	tb.Helper()
	data, err := keeper.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestTrackerGoesOnFromItsSnapshot(t *testing.T) {
	first := newTracker(t, availability(), severe())
	feed(first, 0, 2000)
	second := newTracker(t, availability(), severe())
	if err := second.Restore(snapshotOf(t, first)); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		if diff := cmp.Diff(first.Reports(), second.Reports()); diff != "" {
			t.Fatalf("reports (-first +restored):\n%s", diff)
		}
		if a, b := snapshotOf(t, first), snapshotOf(t, second); !bytes.Equal(a, b) {
			t.Fatalf("snapshots differ:\n%s\n%s", a, b)
		}
		feed(first, seed, 500)
		feed(second, seed, 500)
	}
	if r := first.Reports()[0]; r.Late == 0 || r.Total == 0 || r.Good == r.Total {
		t.Errorf("%+v: the test feeds too little", r)
	}
}

func TestTrackerSnapshotIsSmall(t *testing.T) {
	tracker := newTracker(t, availability())
	feed(tracker, 0, 50_000)
	if size := len(snapshotOf(t, tracker)); size > 3*(720+360)*20+20_000 {
		t.Errorf("snapshot has %d bytes: want at most one record per bucket", size)
	}
}

// TestTrackerRestoresWhatIsDefinedAsBefore changes the configuration between two starts.
func TestTrackerRestoresWhatIsDefinedAsBefore(t *testing.T) {
	before := newTracker(t, availability(), severe())
	observe(before, noon, 1000, 1)
	data := snapshotOf(t, before)
	tests := []struct {
		name   string
		change func(o *strategic.Objective)
		want   uint64
	}{
		{"unchanged", func(*strategic.Objective) {}, 1000},
		{"another target", func(o *strategic.Objective) { o.Target = .9 }, 1000},
		{"another name", func(o *strategic.Objective) { o.Name = "new" }, 0},
		{"another window", func(o *strategic.Objective) { o.Window = day }, 0},
		{"another total", func(o *strategic.Objective) { o.Total = "severity >= error" }, 0},
		{"another good", func(o *strategic.Objective) { o.Good = "true" }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := availability()
			test.change(&o)
			after := newTracker(t, o)
			if err := after.Restore(data); err != nil {
				t.Fatal(err)
			}
			if r := after.Reports()[0]; r.Total != test.want || r.Target != o.Target {
				t.Errorf("%d counted against %v: want %d against %v", r.Total, r.Target, test.want, o.Target)
			}
			observe(after, noon.Add(-2*month), 1, 1)
			if r := after.Reports()[0]; r.BudgetRemaining < 0 || r.Late > 1 {
				t.Errorf("%+v: the watermark was lost", r)
			}
		})
	}
}

func TestTrackerRestoreRefuses(t *testing.T) {
	for _, data := range []string{
		"", "null", `{"version":3}`, `{"version":1,"watermark_ms":9000000000000000}`,
		availabilityAt("4611686018427387904", ""), availabilityAt("5", "[720,1,1]"), availabilityAt("5", "[0,2,1]"),
		availabilityAt("5", "[3,1,1],[3,1,1]"),
	} {
		tracker := newTracker(t, availability())
		observe(tracker, noon, 10, 1)
		want := snapshotOf(t, tracker)
		if err := tracker.Restore([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), "strategic: restore of objective") {
			t.Errorf("restore of %s: %v: want an error of the package", data, err)
		}
		if got := snapshotOf(t, tracker); !bytes.Equal(got, want) {
			t.Errorf("restore of %s failed and left a trace", data)
		}
	}
	if err := newTracker(t, availability()).Restore([]byte(availabilityAt("5", "[3,1,1]"))); err != nil {
		t.Errorf("the form itself is refused: %v", err)
	}
}

// availabilityAt is a snapshot of availability with the newest bucket and the records.
func availabilityAt(head, records string) string {
	return `{"version":1,"windows":[{"name":"availability","window_ns":2592000000000000,"total":"true","good":"disposition != \"dead\"","head":` +
		head + `,"buckets":[` + records + `]}]}`
}

func TestTrendsRestoreIntoASmallerConfiguration(t *testing.T) {
	large := newLayer(t)
	for i, key := range []string{"a", "b", "c"} {
		for n := range i + 2 {
			decide(t, large, climbed(strings.Repeat(key, n+1), key, noon.Add(time.Duration(n)*day)))
		}
	}
	cfg := strategic.DefaultConfig()
	cfg.MaxKeys, cfg.TrendDays = 2, 3
	small := newWith(t, cfg)
	if err := small.Restore(snapshotOf(t, large)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range []string{"c", "b", "a"} {
		got = append(got, nth(t, small, climbed("new", key, noon.Add(3*day))))
	}
	// Of c the days 1, 2, 3 and the new one are counted, of b 1 and 2; a was forgotten.
	if diff := cmp.Diff([]string{"4th", "3rd", "1st"}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, data := range []string{
		"", "null", `{"version":3}`, `{"version":1,"trends":[{"key":"a"},{"key":"a"}]}`, `{"version":1,"trends":[{"key":"a","newest":2000000000000000}]}`,
	} {
		if err := newLayer(t).Restore([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), "strategic: restore: ") {
			t.Errorf("restore of %s: %v: want an error of the package", data, err)
		}
	}
}

// FuzzTrackerRestore wants whatever is accepted to work on, and to come out as it went in.
func FuzzTrackerRestore(f *testing.F) {
	tracker := newTracker(f, availability())
	f.Add(snapshotOf(f, tracker))
	feed(tracker, 0, 50)
	f.Add(snapshotOf(f, tracker))
	f.Add([]byte(availabilityAt("-5", "[3,1,1],[0,0,18446744073709551615]")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := tracker.Restore(data); err != nil {
			return
		}
		first := snapshotOf(t, tracker)
		if err := tracker.Restore(first); err != nil {
			t.Fatal(err)
		}
		if second := snapshotOf(t, tracker); !bytes.Equal(first, second) {
			t.Fatalf("snapshot changed over restore:\n%s\n%s", first, second)
		}
		tracker.Observe(verdict(noon, true))
		tracker.Reports()
		tracker.Outlook()
		_ = tracker.ChangesOf("k")
	})
}

func TestTrackerRestoreRefusesTrendsAndMetrics(t *testing.T) {
	_, tracker := newPair(t, metered())
	observe(tracker, noon, 10, 1)
	want := snapshotOf(t, tracker)
	mark := `"mark":"` + markOf(t, "orders_total") + `"`
	for _, data := range []string{
		`"trends":[null]`, `"trends":[{"key":"a","n":[1],"sum":[]}]`, `"trends":[{"key":"a"},{"key":"a"}]`, `"trends":[{"key":"a","newest":1,"first":2}]`,
		`"history":[[null],null,null]`, `"history":[[{"number":2},{"number":1}],null,null]`,
		`"metrics":[{` + mark + `,"series":[{"labels":["one"]}]}]`, `"metrics":[{` + mark + `,"series":[{"labels":["a","b"]},{"labels":["a","b"]}]}]`,
	} {
		if err := tracker.Restore([]byte(`{"version":2,` + data + `}`)); err == nil || !strings.HasPrefix(err.Error(), "strategic: restore of") {
			t.Errorf("restore of %s: %v: want an error of the package", data, err)
		}
		if got := snapshotOf(t, tracker); !bytes.Equal(got, want) {
			t.Errorf("restore of %s failed and left a trace", data)
		}
	}
}

// markOf returns what the marks of a metric are called.
func markOf(t *testing.T, metric string) string {
	t.Helper()
	marker, _ := newPair(t, metered())
	for _, m := range marker.Mark(order("eu", noon, 1, 1)) {
		if strings.Contains(m.Of, "/"+metric+"/") {
			return m.Of
		}
	}
	t.Fatalf("no mark of %s", metric)
	return ""
}

// FuzzRestore is the same for the layer.
func FuzzRestore(f *testing.F) {
	layer := newLayer(f)
	f.Add(snapshotOf(f, layer))
	for _, e := range reviewed()[:30] {
		decide(f, layer, e)
	}
	f.Add(snapshotOf(f, layer))
	f.Fuzz(func(t *testing.T, data []byte) {
		layer := newLayer(t)
		if err := layer.Restore(data); err != nil {
			return
		}
		first := snapshotOf(t, layer)
		if err := layer.Restore(first); err != nil {
			t.Fatal(err)
		}
		if second := snapshotOf(t, layer); !bytes.Equal(first, second) {
			t.Fatalf("snapshot changed over restore:\n%s\n%s", first, second)
		}
		decide(t, layer, climbed("a", "db-1", noon))
	})
}
