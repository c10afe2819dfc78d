package strategic_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// metered is a shop's business.
func metered() strategic.Config {
	cfg := strategic.DefaultConfig()
	cfg.Metrics = []strategic.Metric{
		{Name: "orders_total", Kind: "counter", When: `source == "shop"`, Labels: map[string]string{"region": "labels.region", "kind": "type"}},
		{Name: "revenue_total", Kind: "counter", Value: "data.price * double(labels.pieces)"},
		{Name: "basket", Kind: "gauge", Labels: map[string]string{"region": "labels.region"}},
		{Name: "latency_seconds", Kind: "histogram", When: "has_value", Value: "value / 1000.0", Buckets: []float64{.1, 1}},
	}
	cfg.Objectives = []strategic.Objective{
		{Name: "fast", From: "signals", Target: .99, Window: month, Total: "has_value", Good: "value < 300.0"},
	}
	return cfg
}

// passOn returns the verdict on a signal with its marks, as the pipeline makes it.
func passOn(tb testing.TB, marker *strategic.Marker, s *layers.Signal) *layers.Verdict {
	tb.Helper()
	v := verdict(s.Time, true)
	v.Source, v.Key, v.Marks = s.Source, s.Key, marker.Mark(s)
	return v
}

func newPair(tb testing.TB, cfg strategic.Config) (*strategic.Marker, *strategic.Tracker) {
	tb.Helper()
	marker, err := strategic.NewMarker(cfg, expressions())
	if err != nil {
		tb.Fatal(err)
	}
	tracker, err := strategic.NewTracker(cfg, expressions())
	if err != nil {
		tb.Fatal(err)
	}
	return marker, tracker
}

func order(region string, at time.Time, value, price float64) *layers.Signal {
	return &layers.Signal{
		ID: "o", Source: "shop", Type: "order", Key: "checkout", Time: at, Labels: map[string]string{"region": region, "pieces": "2"},
		Value: value, HasValue: true, Data: fmt.Appendf(nil, `{"price":%v}`, price),
	}
}

func TestMetrics(t *testing.T) {
	marker, tracker := newPair(t, metered())
	for _, s := range []*layers.Signal{
		order("eu", noon, 50, 10), order("eu", noon.Add(time.Second), 500, 1.5), order("us", noon, 2000, 3),
		order("eu", noon.Add(-time.Second), 70, 0),                          // late: no gauge goes back
		{ID: "x", Source: "other", Key: "k", Time: noon, Text: "no number"}, // counts nowhere
	} {
		tracker.Observe(passOn(t, marker, s))
	}
	var got []string
	for _, m := range tracker.Metrics() {
		for _, s := range m.Series {
			got = append(got, fmt.Sprintf("%s%q %.6g of %d %v", m.Metric.Name, s.Labels, s.Value, s.Count, s.Buckets))
		}
	}
	want := []string{
		`orders_total["order" "eu"] 3 of 3 []`, `orders_total["order" "us"] 1 of 1 []`, // labels in the order of their names
		`revenue_total[] 29 of 4 []`,
		`basket["eu"] 500 of 3 []`, `basket["us"] 2000 of 1 []`,
		`latency_seconds[] 2.62 of 4 [2 3]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if r := tracker.Reports()[0]; r.Good != 2 || r.Total != 4 || r.From != "signals" {
		t.Errorf("the objective has %d of %d from %s: want 2 of 4 signals", r.Good, r.Total, r.From)
	}
}

// TestMetricsGoOnFromASnapshot restores at random places and compares with a count that was never interrupted.
func TestMetricsGoOnFromASnapshot(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	marker, whole := newPair(t, metered())
	_, broken := newPair(t, metered())
	for i := range 3000 {
		v := passOn(t, marker, order(strconv.Itoa(random.IntN(4)), noon.Add(time.Duration(i)*time.Second), random.Float64()*2000, random.Float64()))
		whole.Observe(v)
		if random.IntN(300) == 0 {
			_, again := newPair(t, metered())
			if err := again.Restore(snapshotOf(t, broken)); err != nil {
				t.Fatal(err)
			}
			broken = again
		}
		broken.Observe(v)
	}
	if diff := cmp.Diff(whole.Metrics(), broken.Metrics()); diff != "" {
		t.Errorf("metrics (-whole +restored):\n%s", diff)
	}
}

func TestMetricOfAnotherDefinitionStartsAnew(t *testing.T) {
	marker, before := newPair(t, metered())
	v := passOn(t, marker, order("eu", noon, 50, 10))
	before.Observe(v)
	cfg := metered()
	cfg.Metrics[0].When = "true"
	cfg.Metrics[1].Help = "another help changes nothing"
	_, after := newPair(t, cfg)
	if err := after.Restore(snapshotOf(t, before)); err != nil {
		t.Fatal(err)
	}
	after.Observe(v) // marked under the old definition
	if m := after.Metrics(); len(m[0].Series) != 0 || m[1].Series[0].Count != 2 {
		t.Errorf("%+v: want the first to count nothing that was marked before, the second to go on", m[:2])
	}
}

func TestSeriesAreBounded(t *testing.T) {
	cfg := strategic.DefaultConfig()
	cfg.Metrics = []strategic.Metric{{Name: "a_total", Kind: "counter", Labels: map[string]string{"id": "labels.region"}, MaxSeries: 10}}
	marker, tracker := newPair(t, cfg)
	for i := range 5000 {
		tracker.Observe(passOn(t, marker, order(fmt.Sprint("region-", i, strings.Repeat("ö", 300)), noon, 1, 1)))
	}
	series := tracker.Metrics()[0].Series
	sum, other := 0.0, 0.0
	for _, s := range series {
		sum += s.Value
		if s.Labels[0] == strategic.OtherLabel {
			other = s.Value
		}
		if len(s.Labels[0]) > 128 {
			t.Errorf("a label of %d bytes", len(s.Labels[0]))
		}
	}
	if len(series) != 10 || sum != 5000 || other != 4991 {
		t.Errorf("%d series, %v counted, %v as other: want 10, 5000, 4991", len(series), sum, other)
	}
}

func TestMetricsTakeNoNumbersThatAreNone(t *testing.T) {
	cfg := strategic.DefaultConfig()
	cfg.Metrics = []strategic.Metric{
		{Name: "a_total", Kind: "counter", Value: "value"}, {Name: "g", Kind: "gauge", Value: "value / 0.0"}, {Name: "d", Kind: "gauge", Value: "data.price"},
	}
	marker, tracker := newPair(t, cfg)
	for _, value := range []float64{-1, math.MaxFloat64, math.MaxFloat64, 2} {
		s := order("eu", noon, value, 1)
		s.Data = []byte(`{"price":"dear"}`)
		tracker.Observe(passOn(t, marker, s))
	}
	for _, m := range tracker.Metrics() {
		for _, s := range m.Series {
			if math.IsInf(s.Value, 0) || math.IsNaN(s.Value) || s.Value < 0 {
				t.Errorf("%s is %v", m.Metric.Name, s.Value)
			}
			if m.Metric.Name != "a_total" {
				t.Errorf("%s has a series: %+v", m.Metric.Name, s)
			}
		}
	}
	if _, err := tracker.Snapshot(); err != nil {
		t.Error(err)
	}
}

func TestMetricProblems(t *testing.T) {
	for want, m := range map[string]strategic.Metric{
		`metrics[0].name is "9x": want letters`:                                                           {Name: "9x", Kind: "gauge"},
		`metrics[0].name is "hal9_x": names that begin so belong`:                                         {Name: "hal9_x", Kind: "gauge"},
		`metrics[0].name is "x": the name of a counter ends in _total`:                                    {Name: "x", Kind: "counter"},
		`metrics[0].name is "x_sum": names that end so`:                                                   {Name: "x_sum", Kind: "gauge"},
		`metrics[0].kind is "summary": want counter, gauge or histogram`:                                  {Name: "x", Kind: "summary"},
		`metrics[0].max_series is 10001: want 1 to 10000`:                                                 {Name: "x", Kind: "gauge", MaxSeries: 10_001},
		`metrics[0].labels have the name "le"`:                                                            {Name: "x", Kind: "gauge", Labels: map[string]string{"le": "key"}},
		`metrics[0].labels have no expression for "a"`:                                                    {Name: "x", Kind: "gauge", Labels: map[string]string{"a": " "}},
		`metrics[0].buckets are for histograms only`:                                                      {Name: "x", Kind: "gauge", Buckets: []float64{1}},
		`metrics[0].buckets have 1 at 1: want finite numbers that rise`:                                   {Name: "x", Kind: "histogram", Buckets: []float64{1, 1}},
		`metrics[0].value of "x": expr: 1:1: the expression must be a number, this one is of type string`: {Name: "x", Kind: "gauge", Value: "key"},
		`metrics[0].when of "x": expr:`:                                                                   {Name: "x", Kind: "gauge", When: "sauce"},
		`metrics[0].labels.a of "x": expr: 1:1: the expression must be`:                                   {Name: "x", Kind: "gauge", Labels: map[string]string{"a": "labels"}},
	} {
		cfg := strategic.DefaultConfig()
		cfg.Metrics = []strategic.Metric{m}
		if _, err := strategic.NewMarker(cfg, expressions()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestSituationsAreCounted(t *testing.T) {
	cfg := strategic.DefaultConfig()
	cfg.Objectives = []strategic.Objective{
		availability(),
		{Name: "short", From: "situations", Target: .9, Window: month, Total: `event == "closed"`, Good: "duration_s < 600.0"},
	}
	tracker, err := strategic.NewSituationTracker(cfg, expressions())
	if err != nil {
		t.Fatal(err)
	}
	for i, minutes := range []int{1, 5, 30} {
		s := layers.Situation{ID: strconv.Itoa(i), Key: "db-1", Event: layers.SituationOpened, OpenedAt: noon, UpdatedAt: noon}
		tracker.ObserveSituation(&s, noon)
		s.Event, s.ClosedAt = layers.SituationClosed, noon.Add(time.Duration(minutes)*time.Minute)
		tracker.ObserveSituation(&s, noon.Add(time.Hour))
	}
	own := layers.Situation{ID: "own", Key: "slo:short", Event: layers.SituationClosed, OpenedAt: noon, ClosedAt: noon.Add(time.Minute)}
	tracker.ObserveSituation(&own, noon.Add(time.Hour))
	reports := tracker.Reports()
	if len(reports) != 1 || reports[0].Objective != "short" || reports[0].Good != 2 || reports[0].Total != 3 {
		t.Errorf("reports are %+v: want short with 2 of 3", reports)
	}
}
