package telemetry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

var _ pipeline.Observer = (*Metrics)(nil)

// scrape returns what /metrics says, without the lines of comment.
func scrape(t *testing.T, m *Metrics) map[string]string {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	series := make(map[string]string)
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			series[name] = value
		}
	}
	return series
}

func wantSeries(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
}

func TestMetricsOfPipeline(t *testing.T) {
	m := New()
	m.Decided(layers.NameL1, layers.DispositionSuppressed, 40*time.Microsecond, time.Microsecond)
	m.Decided(layers.NameL1, layers.DispositionEscalated, 60*time.Microsecond, time.Microsecond)
	m.Decided(layers.NameL1, layers.DispositionEscalated, 2*time.Minute, 3*time.Second)
	m.Decided(layers.NameL5, layers.DispositionResolved, -time.Second, 0)
	m.Final(layers.NameL5, 1500*time.Microsecond)
	m.Again(layers.NameL1)
	m.Dead(layers.NameL2)
	m.Restarted(layers.NameL3)
	m.Checkpointed(layers.NameL4, 4096)
	m.Checkpointed(layers.NameL4, 2048)

	wantSeries(t, scrape(t, m), map[string]string{
		`hal9_signals_total{disposition="suppressed",layer="L1"}`: "1",
		`hal9_signals_total{disposition="escalated",layer="L1"}`:  "2",
		`hal9_signals_total{disposition="resolved",layer="L5"}`:   "1",
		`hal9_signals_total{disposition="dead",layer="L2"}`:       "0",
		`hal9_signals_in_total{layer="L1"}`:                       "3",
		`hal9_signals_out_total{layer="L1"}`:                      "2",
		`hal9_signals_out_total{layer="L5"}`:                      "0",
		`hal9_wait_seconds_bucket{layer="L1",le="5e-05"}`:         "1",
		`hal9_wait_seconds_bucket{layer="L1",le="0.0001"}`:        "2",
		`hal9_wait_seconds_bucket{layer="L1",le="60"}`:            "2",
		`hal9_wait_seconds_count{layer="L1"}`:                     "3",
		`hal9_wait_seconds_sum{layer="L5"}`:                       "0",
		`hal9_process_seconds_bucket{layer="L1",le="5"}`:          "3",
		`hal9_end_to_end_seconds_bucket{layer="L5",le="0.001"}`:   "0",
		`hal9_end_to_end_seconds_bucket{layer="L5",le="0.0025"}`:  "1",
		`hal9_duplicates_total{layer="L1"}`:                       "1",
		`hal9_dead_letters_total{layer="L2"}`:                     "1",
		`hal9_stage_restarts_total{layer="L3"}`:                   "1",
		`hal9_checkpoints_total{layer="L4"}`:                      "2",
		`hal9_checkpoint_size_bytes{layer="L4"}`:                  "2048",
	})
	want := map[layers.Disposition]uint64{
		layers.DispositionSuppressed: 1, layers.DispositionResolved: 0, layers.DispositionFolded: 0,
		layers.DispositionEscalated: 2, layers.DispositionDead: 0,
	}
	if diff := cmp.Diff(want, m.Signals(layers.NameL1)); diff != "" {
		t.Errorf("Signals(L1) (-want +got):\n%s", diff)
	}
}

func TestMetricsOfProcess(t *testing.T) {
	m := New()
	before := scrape(t, m)
	if _, ok := before[`hal9_queue_depth_signals{layer="L3"}`]; ok {
		t.Error("a queue that nobody reported on has a series")
	}
	m.SetQueue(layers.NameL3, Queue{Depth: 7, Oldest: 1500 * time.Millisecond, Fill: .25})
	m.SetBuild("v0.9.0", "old")
	m.SetBuild("v1.0.0", "abc")
	m.SetObjective(Objective{Name: "availability", BudgetRemaining: -0.25, BurnRate: 14.4})
	m.Ingested(DoorHTTP, OutcomeAccepted, 3)
	m.Ingested(DoorHTTP, OutcomeRejected, 0)
	m.Ingested(DoorAlertmanager, OutcomeDuplicate, 1)

	after := scrape(t, m)
	wantSeries(t, after, map[string]string{
		`hal9_queue_depth_signals{layer="L3"}`:                            "7",
		`hal9_queue_oldest_age_seconds{layer="L3"}`:                       "1.5",
		`hal9_queue_fill_ratio{layer="L3"}`:                               "0.25",
		`hal9_objective_budget_remaining_ratio{objective="availability"}`: "-0.25",
		`hal9_objective_burn_rate_ratio{objective="availability"}`:        "14.4",
		`hal9_ingest_total{door="http",outcome="accepted"}`:               "3",
		`hal9_ingest_total{door="http",outcome="rejected"}`:               "0",
		`hal9_ingest_total{door="alertmanager",outcome="duplicate"}`:      "1",
	})
	builds := 0
	for name := range after {
		if strings.HasPrefix(name, "hal9_build_info{") {
			builds++
			if !strings.Contains(name, `commit="abc"`) || !strings.Contains(name, `go_version="go1.`) {
				t.Errorf("unexpected %s", name)
			}
		}
	}
	if builds != 1 {
		t.Errorf("%d series of hal9_build_info, want 1", builds)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if after[name] == "" {
			t.Errorf("no %s", name)
		}
	}
}

// TestMetricsClosedSets shows that what does not exist makes no series and no panic.
func TestMetricsClosedSets(t *testing.T) {
	m := New()
	want := series(scrape(t, m))
	for _, layer := range []layers.Name{0, layers.NameL5 + 1, 255} {
		m.Decided(layer, layers.DispositionResolved, time.Second, time.Second)
		m.Final(layer, time.Second)
		m.Again(layer)
		m.Dead(layer)
		m.Restarted(layer)
		m.Checkpointed(layer, 1)
		m.SetQueue(layer, Queue{Depth: 1, Oldest: time.Second})
	}
	m.Decided(layers.NameL1, 0, 0, 0)
	m.Decided(layers.NameL1, 255, 0, 0)
	m.Ingested("window", OutcomeAccepted, 1)
	m.Ingested(DoorHTTP, "lost", 1)
	m.Ingested(DoorHTTP, OutcomeAccepted, -1)
	got := scrape(t, m)
	if diff := cmp.Diff(want, series(got)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	wantSeries(t, got, map[string]string{
		`hal9_signals_in_total{layer="L1"}`:                 "0",
		`hal9_ingest_total{door="http",outcome="accepted"}`: "0",
	})
}

// series returns the names of HAL9's own series.
func series(all map[string]string) map[string]bool {
	names := make(map[string]bool)
	for name := range all {
		if strings.HasPrefix(name, "hal9_") {
			names[name] = true
		}
	}
	return names
}

// TestMetricsTwice shows that the registry is Metrics' own.
func TestMetricsTwice(t *testing.T) {
	first, second := New(), New()
	first.Again(layers.NameL1)
	wantSeries(t, scrape(t, second), map[string]string{`hal9_duplicates_total{layer="L1"}`: "0"})
}

func TestMetricsLint(t *testing.T) {
	m := New()
	m.SetBuild("v1", "c")
	m.SetQueue(layers.NameL1, Queue{Depth: 1, Oldest: 1})
	m.SetObjective(Objective{Name: "o"})
	m.Checkpointed(layers.NameL1, 1)
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsConcurrent(t *testing.T) {
	m := New()
	const goroutines, each = 4, 500
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				m.Decided(layers.NameL2, layers.DispositionResolved, time.Millisecond, time.Microsecond)
				m.Final(layers.NameL2, time.Millisecond)
			}
		})
	}
	for range 3 {
		scrape(t, m)
	}
	wg.Wait()
	wantSeries(t, scrape(t, m), map[string]string{
		`hal9_signals_total{disposition="resolved",layer="L2"}`: "2000",
		`hal9_wait_seconds_count{layer="L2"}`:                   "2000",
		`hal9_end_to_end_seconds_count{layer="L2"}`:             "2000",
	})
}

// TestMetricsHotPath shows that what the pipeline calls per signal allocates nothing.
func TestMetricsHotPath(t *testing.T) {
	m := New()
	wait := 300 * time.Microsecond
	hot := func() {
		m.Decided(layers.NameL1, layers.DispositionEscalated, wait, 20*time.Microsecond)
		m.Final(layers.NameL1, 10*wait)
		m.Again(layers.NameL1)
		m.Ingested(DoorHTTP, OutcomeAccepted, 1)
	}
	if allocs := testing.AllocsPerRun(1000, hot); allocs != 0 {
		t.Errorf("%v allocations per signal, want 0", allocs)
	}
}

func BenchmarkDecided(b *testing.B) {
	m := New()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Decided(layers.NameL1, layers.DispositionEscalated, time.Duration(i%1000)*time.Microsecond, 20*time.Microsecond)
	}
}
