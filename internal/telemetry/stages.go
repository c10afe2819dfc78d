package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/2lab-ai/hal9/layers"
)

// perLayer is a counter with one child per layer, resolved once; slot 0 is nil.
type perLayer [layerSlots]prometheus.Counter

func (p *perLayer) inc(layer layers.Name) {
	if c := p[layerSlot(layer)]; c != nil {
		c.Inc()
	}
}

// stages counts what befalls the loops that run the layers.
type stages struct {
	group
	duplicates  perLayer
	dead        perLayer
	restarts    perLayer
	checkpoints perLayer
	bytes       *prometheus.GaugeVec
}

func newStages() *stages {
	s := &stages{}
	s.duplicates = s.counter("hal9_duplicates_total", "Signals whose id was published again and decided before.")
	s.dead = s.counter("hal9_dead_letters_total", "Messages set aside as dead letters.")
	s.restarts = s.counter("hal9_stage_restarts_total", "Times that a layer's stage was started again after a failure.")
	s.checkpoints = s.counter("hal9_checkpoints_total", "Checkpoints of a layer's state written.")
	s.bytes = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hal9_checkpoint_size_bytes",
		Help: "Size of the last checkpoint written.",
	}, []string{labelLayer})
	s.group = append(s.group, s.bytes)
	return s
}

func (s *stages) counter(name, help string) (children perLayer) {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{labelLayer})
	s.group = append(s.group, vec)
	for _, layer := range layers.Names() {
		children[layer] = vec.WithLabelValues(layer.String())
	}
	return children
}

// Again counts a signal whose id the layer had decided before: no second verdict follows.
func (m *Metrics) Again(layer layers.Name) { m.stages.duplicates.inc(layer) }

// Dead counts a dead letter. The signal's disposition is counted by Decided, where there
// was a signal at all.
func (m *Metrics) Dead(layer layers.Name) { m.stages.dead.inc(layer) }

// Restarted counts that a layer's stage was started again after a failure.
func (m *Metrics) Restarted(layer layers.Name) { m.stages.restarts.inc(layer) }

// Checkpointed counts a checkpoint of so many bytes.
func (m *Metrics) Checkpointed(layer layers.Name, bytes int) {
	if layerSlot(layer) == 0 {
		return
	}
	m.stages.checkpoints.inc(layer)
	m.stages.bytes.WithLabelValues(layer.String()).Set(float64(bytes))
}
