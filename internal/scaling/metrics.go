package scaling

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/2lab-ai/hal9/layers"
)

// Metrics shows what was decided and measured.
type Metrics struct {
	registry *prometheus.Registry
	reads    prometheus.Histogram
	failures *prometheus.CounterVec
}

// newMetrics returns the metrics of a scaler.
func newMetrics(s *Scaler) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		reads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hal9_scaler_read_seconds", Help: "How long measuring all layers took.", Buckets: prometheus.ExponentialBuckets(0.002, 2, 12),
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hal9_scaler_read_failures_total", Help: "Measurements of a layer that failed.",
		}, []string{"layer"}),
	}
	for _, layer := range layers.Names() {
		m.failures.WithLabelValues(layer.String())
	}
	m.registry.MustRegister(m.reads, m.failures, &boardCollector{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) read(took time.Duration) { m.reads.Observe(took.Seconds()) }

func (m *Metrics) failed(layer layers.Name) { m.failures.WithLabelValues(layer.String()).Inc() }

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// boardCollector shows the board as it is at the scrape. What is not known is not shown: it is not zero.
type boardCollector struct{ scaler *Scaler }

// Describe implements prometheus.Collector: it describes nothing, so that nothing is checked beforehand.
func (*boardCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *boardCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(name, help string, value float64, labels, values []string) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("hal9_scaler_"+name, help, labels, nil), prometheus.GaugeValue, value, values...)
	}
	leading := 0.0
	if c.scaler.leading.Load() {
		leading = 1
	}
	gauge("leading", "Whether this scaler is the one that decides.", leading, nil, nil)
	for _, layer := range layers.Names() {
		d, err := c.scaler.board.Decision(layer)
		if err != nil {
			continue
		}
		of, with := []string{"layer"}, []string{layer.String()}
		gauge("wanted_replicas", "Replicas that the layer needs.", float64(d.Wanted), of, with)
		gauge("decided_by", "Always 1; the label says what decided.", 1, []string{"layer", "term"}, []string{layer.String(), string(d.Term)})
		gauge("live_replicas", "Processes that work on the layer.", float64(d.Reading.Replicas), of, with)
		gauge("rate_signals_per_second", "What one replica finishes.", d.Rate, of, with)
		gauge("arrival_signals_per_second", "What comes in.", d.ArrivalRate, of, with)
		gauge("finished_signals_per_second", "What is finished.", d.FinishedRate, of, with)
		gauge("oldest_age_seconds", "Age of the oldest unfinished signal.", d.Reading.Oldest.Seconds(), of, with)
		gauge("decision_age_seconds", "Age of the decision that is served.", time.Since(d.At).Seconds(), of, with)
		for state, n := range map[string]uint64{"waiting": d.Reading.Waiting, "working": d.Reading.Working, "parked": d.Reading.Parked} {
			gauge("signals", "Unfinished signals of the layer.", float64(n), []string{"layer", "state"}, []string{layer.String(), state})
		}
		for term, need := range map[string]float64{"drain": d.Drain, "latency": d.Latency, "arrival": d.Arrival} {
			gauge("needed_replicas", "Replicas that a term asks for.", need, []string{"layer", "term"}, []string{layer.String(), term})
		}
	}
}
