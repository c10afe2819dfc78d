package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Business is a metric of the configuration, with all of its series. Whoever counts bounds their number.
type Business struct {
	Name, Help, Kind string // kind: counter, gauge or histogram
	Labels           []string
	Bounds           []float64 // of a histogram's buckets
	Samples          []Sample
}

// Sample is one series.
type Sample struct {
	Labels  []string
	Value   float64 // a histogram's sum
	Count   uint64  // a histogram's samples
	Buckets []uint64
}

// business shows what the configuration counts. Its series are known at the scrape only.
type business struct {
	ask atomic.Pointer[func() []Business]
}

// ServeBusiness shows, from now on, what ask returns at each scrape.
func (m *Metrics) ServeBusiness(ask func() []Business) { m.business.ask.Store(&ask) }

// Describe implements prometheus.Collector: it describes nothing, so that nothing is checked beforehand.
func (*business) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (b *business) Collect(out chan<- prometheus.Metric) {
	ask := b.ask.Load()
	if ask == nil {
		return
	}
	for _, metric := range (*ask)() {
		desc := prometheus.NewDesc(metric.Name, metric.Help, metric.Labels, nil)
		for i := range metric.Samples {
			out <- metric.sample(desc, &metric.Samples[i])
		}
	}
}

// sample returns one series, or the error that it can't be shown, which the scrape reports.
func (b *Business) sample(desc *prometheus.Desc, s *Sample) prometheus.Metric {
	var m prometheus.Metric
	var err error
	switch b.Kind {
	case "histogram":
		buckets := make(map[float64]uint64, len(b.Bounds))
		for i, bound := range b.Bounds {
			if i < len(s.Buckets) {
				buckets[bound] = s.Buckets[i]
			}
		}
		m, err = prometheus.NewConstHistogram(desc, s.Count, s.Value, buckets, s.Labels...)
	case "counter":
		m, err = prometheus.NewConstMetric(desc, prometheus.CounterValue, s.Value, s.Labels...)
	default:
		m, err = prometheus.NewConstMetric(desc, prometheus.GaugeValue, s.Value, s.Labels...)
	}
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}
