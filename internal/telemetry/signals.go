package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// signals counts decisions by layer and disposition. The numbers of signals into and out
// of a layer are sums of the same cells, read once per scrape, so that compression and
// dispositions never disagree and a decision costs one atomic addition.
type signals struct {
	cells [layerSlots][dispositionSlots]atomic.Uint64

	total *prometheus.Desc
	in    *prometheus.Desc
	out   *prometheus.Desc
}

func newSignals() *signals {
	return &signals{
		total: prometheus.NewDesc("hal9_signals_total",
			"Signals that a layer decided, by disposition; a copy published again counts too.",
			[]string{labelLayer, labelDisposition}, nil),
		in: prometheus.NewDesc("hal9_signals_in_total",
			"Signals that a layer took and decided. In divided by out is the layer's compression.",
			[]string{labelLayer}, nil),
		out: prometheus.NewDesc("hal9_signals_out_total",
			"Signals that a layer handed up.",
			[]string{labelLayer}, nil),
	}
}

func (s *signals) add(layer layers.Name, d layers.Disposition) {
	s.cells[layerSlot(layer)][dispositionSlot(d)].Add(1)
}

func (s *signals) of(layer layers.Name) map[layers.Disposition]uint64 {
	counts := make(map[layers.Disposition]uint64, dispositionSlots-1)
	for _, d := range layers.Dispositions() {
		counts[d] = s.cells[layerSlot(layer)][d].Load()
	}
	return counts
}

// Describe implements prometheus.Collector.
func (s *signals) Describe(out chan<- *prometheus.Desc) {
	out <- s.total
	out <- s.in
	out <- s.out
}

// Collect implements prometheus.Collector.
func (s *signals) Collect(out chan<- prometheus.Metric) {
	for _, layer := range layers.Names() {
		counts := s.of(layer)
		var in uint64
		for d, n := range counts {
			in += n
			out <- counter(s.total, n, layer.String(), d.String())
		}
		out <- counter(s.in, in, layer.String())
		out <- counter(s.out, counts[layers.DispositionEscalated], layer.String())
	}
}

func counter(desc *prometheus.Desc, n uint64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
}
