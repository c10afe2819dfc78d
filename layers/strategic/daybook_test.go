package strategic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// series feeds n days of a key: so many signals a day, and of the value.
func series(tracker *strategic.Tracker, key string, days int, count func(day int) int, value func(day int) float64) {
	for day := range days {
		for i := range count(day) {
			v := verdict(noon.AddDate(0, 0, day).Add(time.Duration(i)*time.Second), true)
			x := value(day)
			v.Key, v.Type, v.Value = key, "sample", &x
			tracker.Observe(v)
		}
	}
}

func change(tracker *strategic.Tracker, key, what string) (found strategic.Change, ok bool) {
	for _, c := range tracker.Outlook().Changes {
		if c.Key == key && c.What == what {
			return c, true
		}
	}
	return strategic.Change{}, false
}

func TestChangePoints(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	flat := func(int) float64 { return 10 }
	noise := func() float64 { return random.NormFloat64() }
	tests := []struct {
		name  string
		count func(day int) int
		value func(day int) float64
		what  string
		since int // day; -1 for none
	}{
		{"nothing", func(int) int { return 100 + random.IntN(20) }, flat, "signals", -1},
		{"twice as many from day 20 on", func(d int) int { return 100 + 100*(d/20) + random.IntN(20) }, flat, "signals", 20},
		{"it stops on day 30", func(d int) int { return 50 * (1 - d/30) }, flat, "signals", 30},
		{"one day of many", func(d int) int { return map[bool]int{true: 2000, false: 100 + random.IntN(20)}[d == 17] }, flat, "signals", -1},
		{"weekends", func(d int) int { return map[bool]int{true: 10, false: 100 + random.IntN(20)}[d%7 > 4] }, flat, "signals", -1},
		{"the level", func(int) int { return 20 }, func(d int) float64 { return 50 + 8*float64(d/25) + noise() }, "value", 25},
		{"no level", func(int) int { return 20 }, func(int) float64 { return 50 + noise() }, "value", -1},
		{"few days", func(d int) int { return 100 + 900*(d/4) }, flat, "signals", 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := newTracker(t)
			days := 40
			if test.name == "few days" {
				days = 8
			}
			series(tracker, "db-1", days, test.count, test.value)
			observe(tracker, noon.AddDate(0, 0, days), 1, 0) // the last day is over
			c, ok := change(tracker, "db-1", test.what)
			if test.since < 0 {
				if ok {
					t.Errorf("%s: want no change", c.String())
				}
				return
			}
			want := noon.AddDate(0, 0, test.since).Truncate(day)
			if off := c.Since.Sub(want); !ok || off < -day || off > day {
				t.Errorf("change %v %s: want one on %s", ok, c.String(), want.Format(time.DateOnly))
			}
		})
	}
}

// TestChangesAreRareInNoise looks at 200 keys on which nothing changes.
func TestChangesAreRareInNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	cfg := strategic.DefaultConfig()
	tracker, err := strategic.NewTracker(cfg, expressions())
	if err != nil {
		t.Fatal(err)
	}
	for key := range 200 {
		series(tracker, fmt.Sprint("key-", key), 60, func(int) int { return 1 }, func(int) float64 { return 100 + 5*random.NormFloat64() })
	}
	observe(tracker, noon.AddDate(0, 0, 60), 1, 0)
	if n := len(tracker.Outlook().Changes); n > 4 {
		t.Errorf("%d of 200 keys changed by chance: want 2 %% at most", n)
	}
}

func TestReviewNamesTheChange(t *testing.T) {
	tracker := newTracker(t)
	series(tracker, "db-1", 20, func(d int) int { return 10 + 90*(d/10) }, func(int) float64 { return 1 })
	observe(tracker, noon.AddDate(0, 0, 20), 1, 0)
	l, err := strategic.New(strategic.DefaultConfig(), tracker.Reports, tracker.ChangesOf)
	if err != nil {
		t.Fatal(err)
	}
	want := "; 1st situation on db-1 to reach L5 in 7 days; signals a day rose from 10 to 100 on 2026-03-12"
	if reason := decide(t, l, climbed("sit-1", "db-1", noon.AddDate(0, 0, 20))).Reason; !endsWith(reason, want) {
		t.Errorf("reason %q does not end with %q", reason, want)
	}
}

func endsWith(text, end string) bool {
	return len(text) >= len(end) && text[len(text)-len(end):] == end
}

func TestTrendsAreBounded(t *testing.T) {
	cfg := strategic.DefaultConfig()
	cfg.MaxSeries = 50
	tracker, err := strategic.NewTracker(cfg, expressions())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		v := verdict(noon.AddDate(0, 0, i%100), true)
		v.Key = fmt.Sprint("key-", i)
		tracker.Observe(v)
	}
	if n := tracker.Outlook().Series; n != 50 {
		t.Errorf("%d series: want 50", n)
	}
	if size := len(snapshotOf(t, tracker)); size > 200_000 {
		t.Errorf("the snapshot has %d bytes", size)
	}
}

// TestHistory has HAL9's own performance by minute, hour and day.
func TestHistory(t *testing.T) {
	tracker := newTracker(t)
	random := rand.New(rand.NewPCG(4, 4))
	var latencies []int64
	for i := range 7200 {
		v := verdict(noon.Add(time.Duration(i)*time.Second), true)
		took := time.Duration(100+random.IntN(5000)) * time.Microsecond
		latencies = append(latencies, took.Microseconds())
		v.ReceivedAt = v.DecidedAt.Add(-took)
		v.Layer = layers.NameL1 + layers.Name(i%2)
		v.Hops = []layers.Hop{{Layer: layers.NameL1, WaitUS: 50, ProcessUS: 7}, {Layer: layers.NameL2, WaitUS: 90, ProcessUS: 20}}[:1+i%2]
		tracker.Observe(v)
	}
	tracker.Sample(noon.Add(2*time.Hour-time.Second), map[layers.Name]uint64{layers.NameL3: 17}, tracker.Reports())
	o := tracker.Outlook()
	if len(o.Minutes) != 60 || len(o.Hours) != 2 || len(o.Days) != 1 {
		t.Fatalf("%d minutes, %d hours, %d days: want 60, 2, 1", len(o.Minutes), len(o.Hours), len(o.Days))
	}
	d := o.Days[0]
	l1 := d.Layers[layers.NameL1]
	if d.Signals != 7200 || l1.In != 7200 || l1.Out != 3600 || l1.Compression != 2 || d.Layers[layers.NameL3].Depth != 17 || d.Budgets["hal9-latency"] != 1 {
		t.Errorf("the day has %+v", d)
	}
	slices.Sort(latencies)
	for share, got := range map[float64]int64{.5: d.LatencyP50, .99: d.LatencyP99} {
		want := latencies[int(share*7200)]
		if got < want*87/100 || got > want*113/100 {
			t.Errorf("quantile %v is %d µs: want %d, an eighth more or less", share, got, want)
		}
	}
	if l1.WaitP99 < 44 || l1.WaitP99 > 56 || l1.ProcessP50 < 6 || l1.ProcessP50 > 8 {
		t.Errorf("L1 has %+v", l1)
	}
	again := newTracker(t)
	if err := again.Restore(snapshotOf(t, tracker)); err != nil {
		t.Fatal(err)
	}
	if len(again.Outlook().Minutes) != 60 || again.Outlook().Days[0].LatencyP99 != d.LatencyP99 {
		t.Error("the history is lost with a restart")
	}
}
