package telemetry

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/2lab-ai/hal9/layers"
)

func TestMetricsOfWhole(t *testing.T) {
	m := New()
	if got := scrape(t, m); got["hal9_situations_open"] != "" {
		t.Error("a process that shows only itself tells of open situations")
	}
	open := uint64(5)
	m.SetWhole(&Whole{
		Layers: []Kept{{Layer: layers.NameL3, Dead: 2, Verdicts: map[layers.Disposition]uint64{layers.DispositionFolded: 9}}},
		Open:   &open, StoreBytes: 1 << 20,
	})
	m.SetStaff(Staff{Processes: map[layers.Name]int{layers.NameL3: 4, layers.NameL5: 0}, Unowned: map[layers.Name]int{layers.NameL5: 12}})
	got := scrape(t, m)
	wantSeries(t, got, map[string]string{
		`hal9_kept_verdicts{disposition="folded",layer="L3"}`: "9",
		`hal9_kept_dead_letters{layer="L3"}`:                  "2",
		`hal9_layer_processes{layer="L3"}`:                    "4",
		`hal9_layer_processes{layer="L5"}`:                    "0",
		`hal9_layer_partitions_unowned{layer="L5"}`:           "12",
		`hal9_situations_open`:                                "5",
		`hal9_nats_store_bytes`:                               "1.048576e+06",
	})
	if _, ok := got[`hal9_layer_processes{layer="L1"}`]; ok {
		t.Error("a layer of which nothing is known has a figure")
	}
	if problems, err := testutil.GatherAndLint(m.registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestWholeThatIsNotKnownAnyMore has no series of what NATS keeps, and still those of who works.
func TestWholeThatIsNotKnownAnyMore(t *testing.T) {
	m := New()
	m.SetStaff(Staff{Processes: map[layers.Name]int{layers.NameL3: 4}})
	m.SetWhole(&Whole{Layers: []Kept{{Layer: layers.NameL3, Dead: 2}}})
	if got, ok := scrape(t, m)["hal9_situations_open"]; ok {
		t.Errorf("%s open situations, but their number is not known", got)
	}
	m.SetWhole(nil)
	got := scrape(t, m)
	wantSeries(t, got, map[string]string{`hal9_layer_processes{layer="L3"}`: "4"})
	for _, name := range []string{`hal9_kept_dead_letters{layer="L3"}`, "hal9_nats_store_bytes"} {
		if n, ok := got[name]; ok {
			t.Errorf("%s is %s", name, n)
		}
	}
}

// TestQueueThatIsNotKnownAnyMore has no series: a stale depth would look like a layer that stands still.
func TestQueueThatIsNotKnownAnyMore(t *testing.T) {
	m := New()
	m.SetQueue(layers.NameL2, Queue{Depth: 7, Oldest: time.Second, Fill: .5})
	m.ForgetQueue(layers.NameL2)
	for _, name := range []string{`hal9_queue_depth_signals{layer="L2"}`, `hal9_queue_oldest_age_seconds{layer="L2"}`, `hal9_queue_fill_ratio{layer="L2"}`} {
		if got, ok := scrape(t, m)[name]; ok {
			t.Errorf("%s is %s", name, got)
		}
	}
}
