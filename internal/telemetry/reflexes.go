package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Reflex is one way in which L1 answers by itself.
type Reflex struct {
	By   string // one of a closed set, such as "silence"
	Read func() uint64
}

// CountReflexes shows how many signals L1 suppressed by what, and how many entries it could not read, as hal9_l1_suppressed_total
// and hal9_l1_ignored_entries_total. It is called once.
func (m *Metrics) CountReflexes(reflexes []Reflex, ignored func() uint64) {
	for _, r := range reflexes {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "hal9_l1_suppressed_total", Help: "Signals that L1 suppressed, by why.", ConstLabels: prometheus.Labels{"by": r.By},
		}, func() float64 { return float64(r.Read()) }))
	}
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hal9_l1_ignored_entries_total", Help: "Entries of the bucket hal9_reflexes that could not be read.",
	}, func() float64 { return float64(ignored()) }))
}
