// Package telemetry counts what HAL9 does and serves it to Prometheus. It owns the names
// of the metrics, their labels and their units, in a registry of its own.
//
// It promises that what the pipeline calls once per signal allocates nothing and takes no
// lock, and that no label ever holds a value from outside: layers, dispositions, doors and
// outcomes are closed sets, objectives are those of the configuration. A layer, disposition,
// door or outcome that does not exist is counted nowhere.
//
// Traces do not belong to Metrics: spans come from an observer of their own that stands
// beside this one.
package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/2lab-ai/hal9/layers"
)

// maxScrapes bounds how many scrapes are answered at the same time.
const maxScrapes = 4

// Names of labels.
const (
	labelLayer       = "layer"
	labelDisposition = "disposition"
)

// layerSlots and dispositionSlots are the lengths of arrays indexed by a layer or by a
// disposition; slot 0 stands for values that do not exist and is never shown.
const (
	layerSlots       = int(layers.NameL5) + 1
	dispositionSlots = int(layers.DispositionDead) + 1
)

// Metrics is everything that one process counts. All methods are safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	signals    *signals
	latency    *latency
	stages     *stages
	queues     *queues
	ingest     *ingest
	objectives *objectives
	plans      *plans
	business   *business
	whole      *whole
	build      *prometheus.GaugeVec
}

// New returns metrics in a registry of their own, together with those of the Go runtime
// and of the process.
func New() *Metrics {
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		signals:    newSignals(),
		latency:    newLatency(),
		stages:     newStages(),
		queues:     newQueues(),
		ingest:     newIngest(),
		objectives: newObjectives(),
		plans:      newPlans(),
		business:   &business{},
		whole:      newWhole(),
		build: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_build_info",
			Help: "Always 1; the labels say what is running.",
		}, []string{"version", "commit", "go_version"}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.signals, m.latency, m.stages, m.queues, m.ingest, m.objectives, m.plans, m.business, m.whole, m.build,
	)
	return m
}

// Handler serves the metrics in the format that the scraper asks for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry:            m.registry,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	})
}

// SetBuild says which version and commit is running, in hal9_build_info.
func (m *Metrics) SetBuild(version, commit string) {
	m.build.Reset()
	m.build.WithLabelValues(version, commit, runtime.Version()).Set(1)
}

// Decided counts a layer's decision on one signal: how long the signal waited in the
// layer's stream and how long the layer took. It is meant for the hot path.
func (m *Metrics) Decided(layer layers.Name, d layers.Disposition, wait, process time.Duration) {
	m.signals.add(layer, d)
	m.latency.observe(layer, wait, process)
}

// Final counts the time from a signal's storage in HAL9_L1 to its verdict, under the layer
// that gave the verdict. It is meant for the hot path.
func (m *Metrics) Final(layer layers.Name, endToEnd time.Duration) {
	m.latency.final(layer, endToEnd)
}

// Signals returns how many signals a layer decided since the process started, by
// disposition. It is what hal9_signals_total says.
func (m *Metrics) Signals(layer layers.Name) map[layers.Disposition]uint64 {
	return m.signals.of(layer)
}

// layerSlot returns the layer's index, 0 for one that does not exist.
func layerSlot(layer layers.Name) int {
	if int(layer) >= layerSlots {
		return 0
	}
	return int(layer)
}

// dispositionSlot returns the disposition's index, 0 for one that does not exist.
func dispositionSlot(d layers.Disposition) int {
	if int(d) >= dispositionSlots {
		return 0
	}
	return int(d)
}

// group is several collectors registered as one.
type group []prometheus.Collector

// Describe implements prometheus.Collector.
func (g group) Describe(out chan<- *prometheus.Desc) {
	for _, c := range g {
		c.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (g group) Collect(out chan<- prometheus.Metric) {
	for _, c := range g {
		c.Collect(out)
	}
}
