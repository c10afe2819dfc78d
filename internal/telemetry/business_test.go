package telemetry

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestBusinessMetrics(t *testing.T) {
	m := New()
	if n := len(scrape(t, m)); n == 0 {
		t.Fatal("nothing before anybody counts")
	}
	m.ServeBusiness(func() []Business {
		return []Business{
			{Name: "orders_total", Help: "orders", Kind: "counter", Labels: []string{"region"}, Samples: []Sample{
				{Labels: []string{"eu"}, Value: 3}, {Labels: []string{`odd "quoted" \ ` + "\n"}, Value: 1},
			}},
			{Name: "basket", Kind: "gauge", Samples: []Sample{{Value: -2.5}}},
			{Name: "latency_seconds", Kind: "histogram", Bounds: []float64{.1, 1}, Samples: []Sample{{Value: 2.5, Count: 4, Buckets: []uint64{2, 3}}}},
			{Name: "nothing_total", Kind: "counter"},
		}
	})
	wantSeries(t, scrape(t, m), map[string]string{
		`orders_total{region="eu"}`: "3", `basket`: "-2.5", `latency_seconds_bucket{le="0.1"}`: "2",
		`latency_seconds_bucket{le="1"}`: "3", `latency_seconds_bucket{le="+Inf"}`: "4", `latency_seconds_count`: "4", `latency_seconds_sum`: "2.5",
	})
	if problems, err := testutil.GatherAndLint(m.registry, "orders_total", "latency_seconds"); err != nil {
		t.Errorf("%v %v", problems, err)
	}
}
