package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// queues says what waits in front of the layers. A layer that nobody reported on has no
// series: an empty queue and an unknown one must not look alike to a scaler.
type queues struct {
	group
	depth  *prometheus.GaugeVec
	oldest *prometheus.GaugeVec
	fill   *prometheus.GaugeVec
}

func newQueues() *queues {
	q := &queues{
		depth: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_queue_depth_signals",
			Help: "Signals stored in the layer's streams and not yet acknowledged by the layer.",
		}, []string{labelLayer}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_queue_oldest_age_seconds",
			Help: "Age of the oldest signal that the layer has not acknowledged; 0 where none waits.",
		}, []string{labelLayer}),
		fill: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_queue_fill_ratio",
			Help: "How full the fullest of the layer's streams is with what is not settled; at 1 it takes no more.",
		}, []string{labelLayer}),
	}
	q.group = group{q.depth, q.oldest, q.fill}
	return q
}

// ForgetQueue says that it is not known any more what waits for the layer.
func (m *Metrics) ForgetQueue(layer layers.Name) {
	m.queues.depth.DeleteLabelValues(layer.String())
	m.queues.oldest.DeleteLabelValues(layer.String())
	m.queues.fill.DeleteLabelValues(layer.String())
}

// Queue is what waits in front of a layer, in all its partitions.
type Queue struct {
	Depth  uint64        // signals
	Oldest time.Duration // age of the oldest
	Fill   float64       // of the fullest stream, by what is not settled, 0..1
}

// SetQueue says what waits for the layer.
func (m *Metrics) SetQueue(layer layers.Name, q Queue) {
	if layerSlot(layer) == 0 {
		return
	}
	m.queues.depth.WithLabelValues(layer.String()).Set(float64(q.Depth))
	m.queues.oldest.WithLabelValues(layer.String()).Set(seconds(q.Oldest))
	m.queues.fill.WithLabelValues(layer.String()).Set(q.Fill)
}
