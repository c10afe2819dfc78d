package strategic

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
)

// meter counts one metric.
type meter struct {
	metric Metric
	mark   string
	labels int
	series map[string]*Series // by label values
}

// Series is what was counted under one set of label values.
type Series struct {
	Labels  []string `json:"labels,omitempty"`  // in the order of their names
	Value   float64  `json:"value"`             // a counter's or histogram's sum, a gauge's newest value
	At      int64    `json:"at,omitempty"`      // of a gauge's value, Unix milliseconds of event time
	Count   uint64   `json:"count"`             // samples
	Buckets []uint64 `json:"buckets,omitempty"` // samples of a histogram up to each bound, cumulated
}

// MetricReport is a metric with all that was counted.
type MetricReport struct {
	Metric Metric
	Series []Series // in the order of their labels
}

func newMeter(m *Metric) *meter {
	return &meter{metric: *m, mark: m.mark(), labels: len(m.Labels), series: map[string]*Series{}}
}

// add counts a sample of the event time. A new series that finds no room counts under OtherLabel.
func (m *meter) add(value float64, labels []string, ms int64) {
	if len(labels) != m.labels || math.IsNaN(value) || math.IsInf(value, 0) {
		return // No marker wrote that.
	}
	s := m.find(labels)
	s.Count++
	switch m.metric.Kind {
	case KindGauge:
		if s.Count == 1 || ms >= s.At {
			s.Value, s.At = value, ms
		}
		return
	case KindHistogram:
		bounds := m.metric.Bounds()
		for i := sort.SearchFloat64s(bounds, value); i < len(bounds); i++ {
			s.Buckets[i]++
		}
	}
	if sum := s.Value + value; !math.IsInf(sum, 0) {
		s.Value = sum
	}
}

func (m *meter) find(labels []string) *Series {
	key := strings.Join(labels, "\xff") // which no valid text has
	if s, ok := m.series[key]; ok {
		return s
	}
	if m.labels > 0 && len(m.series) >= m.metric.series()-1 {
		labels = slices.Repeat([]string{OtherLabel}, m.labels)
		key = strings.Join(labels, "\xff") // which no valid text has
		if s, ok := m.series[key]; ok {
			return s
		}
	}
	s := &Series{Labels: slices.Clone(labels)}
	if m.metric.Kind == KindHistogram {
		s.Buckets = make([]uint64, len(m.metric.Bounds()))
	}
	m.series[key] = s
	return s
}

func (m *meter) report() MetricReport {
	r := MetricReport{Metric: m.metric, Series: make([]Series, 0, len(m.series))}
	for _, key := range slices.Sorted(maps.Keys(m.series)) {
		s := *m.series[key]
		s.Labels, s.Buckets = slices.Clone(s.Labels), slices.Clone(s.Buckets)
		r.Series = append(r.Series, s)
	}
	return r
}

// restore takes over series of a snapshot.
func (m *meter) restore(series []Series) error {
	for i := range series {
		s := series[i]
		key := strings.Join(s.Labels, "\xff") // which no valid text has
		_, twice := m.series[key]
		bounds := 0
		if m.metric.Kind == KindHistogram {
			bounds = len(m.metric.Bounds())
		}
		if twice || len(s.Labels) != m.labels || len(s.Buckets) != bounds || len(m.series) >= maxSeries {
			return fmt.Errorf("series %q is impossible", s.Labels)
		}
		m.series[key] = &s
	}
	return nil
}
