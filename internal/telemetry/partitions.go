package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// CountPartitions shows of each of these layers how many of its partitions this process owns, by
// asking with every scrape. L5's include the stage that feeds the objectives. It is called
// once.
func (m *Metrics) CountPartitions(of []layers.Name, owned func(layers.Name) int) {
	for _, layer := range of {
		if layerSlot(layer) == 0 {
			continue
		}
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "hal9_partitions_owned",
			Help:        "Stages of the layer, one for each partition, that this process owns.",
			ConstLabels: prometheus.Labels{labelLayer: layer.String()},
		}, func() float64 { return float64(owned(layer)) }))
	}
}
