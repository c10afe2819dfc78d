package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// latencyBuckets are upper bounds in seconds, from 50 µs, about what a layer may take, to
// one minute, where a signal is as good as stuck.
func latencyBuckets() []float64 {
	return []float64{
		50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3,
		0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
	}
}

// latency holds the histograms, one child per layer, resolved once.
type latency struct {
	group
	wait     [layerSlots]prometheus.Observer
	process  [layerSlots]prometheus.Observer
	endToEnd [layerSlots]prometheus.Observer
}

func newLatency() *latency {
	l := &latency{}
	l.wait = l.histogram("hal9_wait_seconds",
		"Time from a signal's storage in the layer's stream until the layer took it.")
	l.process = l.histogram("hal9_process_seconds",
		"Time that the layer itself took for a signal.")
	l.endToEnd = l.histogram("hal9_end_to_end_seconds",
		"Time from a signal's storage in HAL9_L1 to its verdict, by the layer that gave it.")
	return l
}

func (l *latency) histogram(name, help string) (children [layerSlots]prometheus.Observer) {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    name,
		Help:    help,
		Buckets: latencyBuckets(),
	}, []string{labelLayer})
	l.group = append(l.group, vec)
	for _, layer := range layers.Names() {
		children[layer] = vec.WithLabelValues(layer.String())
	}
	return children
}

func (l *latency) observe(layer layers.Name, wait, process time.Duration) {
	slot := layerSlot(layer)
	if slot == 0 {
		return
	}
	l.wait[slot].Observe(seconds(wait))
	l.process[slot].Observe(seconds(process))
}

func (l *latency) final(layer layers.Name, endToEnd time.Duration) {
	if slot := layerSlot(layer); slot != 0 {
		l.endToEnd[slot].Observe(seconds(endToEnd))
	}
}

// seconds takes a time below zero, which clocks of two machines can make, for zero.
func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }
