package strategic

import (
	"errors"

	"github.com/2lab-ai/hal9/layers"
)

// Marker says what L5 is to count of a signal: the events of objectives over signals and the samples of metrics. It is
// asked where all of the signal is seen, and safe for concurrent use.
type Marker struct {
	objectives []measure[layers.Signal]
	names      []string // of the objectives' marks
	metrics    []recipe
}

// NewMarker returns the marker of a configuration; nil where it counts nothing of signals.
func NewMarker(cfg Config, x Expressions) (*Marker, error) {
	if err := errors.Join(cfg.Validate(), compileAll(cfg, x)); err != nil {
		return nil, err
	}
	m := &Marker{}
	var wrong [2]error
	m.objectives, wrong[0] = compileObjectives(cfg.All(), FromSignals, x.Signal)
	m.metrics, wrong[1] = compileMetrics(cfg.Metrics, x)
	if len(m.objectives)+len(m.metrics) == 0 {
		return nil, errors.Join(wrong[:]...)
	}
	for i := range m.objectives {
		m.names = append(m.names, m.objectives[i].mark())
	}
	return m, errors.Join(wrong[:]...)
}

// Mark returns the marks of a signal, in the order of the configuration.
func (m *Marker) Mark(s *layers.Signal) []layers.Mark {
	var marks []layers.Mark
	if s.Source != OwnSource {
		for i := range m.objectives {
			if counts, good := m.objectives[i].judge(s); counts {
				marks = append(marks, layers.Mark{Of: m.names[i], Good: good})
			}
		}
	}
	for i := range m.metrics {
		if mark, ok := m.metrics[i].sample(s); ok {
			marks = append(marks, mark)
		}
	}
	return marks
}

// sample returns the metric's sample of a signal. There is none where the condition does not hold or the value is
// absent, and none below 0 for a counter. A label that is absent is empty.
func (r *recipe) sample(s *layers.Signal) (layers.Mark, bool) {
	if !r.when(s) {
		return layers.Mark{}, false
	}
	value, ok := r.value(s)
	if !ok || r.metric.Kind == KindCounter && value < 0 {
		return layers.Mark{}, false
	}
	mark := layers.Mark{Of: r.mark, Value: value}
	for _, label := range r.labels {
		text, _ := label(s)
		mark.Labels = append(mark.Labels, clip(text, maxLabelBytes))
	}
	return mark, true
}
