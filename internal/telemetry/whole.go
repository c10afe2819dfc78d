package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// Whole is what all processes together keep in NATS.
type Whole struct {
	Layers     []Kept
	Open       *uint64 // situations; nil where that is not known
	StoreBytes uint64
}

// Staff is who works on the layers.
type Staff struct {
	Processes map[layers.Name]int // that work on each layer; one that is not known is absent
	Unowned   map[layers.Name]int // partitions without a living owner, likewise
}

// Kept is what NATS keeps of one layer.
type Kept struct {
	Layer    layers.Name
	Verdicts map[layers.Disposition]uint64
	Dead     uint64
}

// whole shows Whole and Staff as they were set last. A process that shows only itself has no series of them.
type whole struct {
	last  atomic.Pointer[Whole]
	staff atomic.Pointer[Staff]

	verdicts, dead, processes, unowned, open, store *prometheus.Desc
}

func newWhole() *whole {
	return &whole{
		verdicts: prometheus.NewDesc("hal9_kept_verdicts",
			"Verdicts that NATS keeps, of all processes; it falls where the stream drops its oldest.", []string{labelLayer, labelDisposition}, nil),
		dead: prometheus.NewDesc("hal9_kept_dead_letters",
			"Dead letters that NATS keeps, of all processes.", []string{labelLayer}, nil),
		processes: prometheus.NewDesc("hal9_layer_processes",
			"Living processes that work on the layer.", []string{labelLayer}, nil),
		unowned: prometheus.NewDesc("hal9_layer_partitions_unowned",
			"Partitions of the layer that no living process owns.", []string{labelLayer}, nil),
		open: prometheus.NewDesc("hal9_situations_open",
			"Situations that were opened and not closed; absent once NATS has dropped the oldest.", nil, nil),
		store: prometheus.NewDesc("hal9_nats_store_bytes",
			"What HAL9's streams and buckets take on the disks of NATS.", nil, nil),
	}
}

// CountConnections has the metrics show how many connections the page and the HTTP door have. It is called once.
func (m *Metrics) CountConnections(open func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hal9_http_connections",
		Help: "Open connections of the page and the HTTP door; hal9 web shows it.",
	}, func() float64 { return float64(open()) }))
}

// SetWhole says what all processes together keep, nil that it is not known any more.
func (m *Metrics) SetWhole(w *Whole) { m.whole.last.Store(w) }

// SetStaff says who works on the layers.
func (m *Metrics) SetStaff(s Staff) { m.whole.staff.Store(&s) }

// Describe implements prometheus.Collector.
func (w *whole) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{w.verdicts, w.dead, w.processes, w.unowned, w.open, w.store} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (w *whole) Collect(out chan<- prometheus.Metric) {
	if staff := w.staff.Load(); staff != nil {
		for layer, n := range staff.Processes {
			out <- gauge(w.processes, uint64(max(0, n)), layer.String())
		}
		for layer, n := range staff.Unowned {
			out <- gauge(w.unowned, uint64(max(0, n)), layer.String())
		}
	}
	last := w.last.Load()
	if last == nil {
		return
	}
	for _, l := range last.Layers {
		out <- gauge(w.dead, l.Dead, l.Layer.String())
		for d, n := range l.Verdicts {
			out <- gauge(w.verdicts, n, l.Layer.String(), d.String())
		}
	}
	if last.Open != nil {
		out <- gauge(w.open, *last.Open)
	}
	out <- gauge(w.store, last.StoreBytes)
}

func gauge(desc *prometheus.Desc, n uint64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), labels...)
}
