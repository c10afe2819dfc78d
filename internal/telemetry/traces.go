package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Traces is where the figures of an exporter of traces come from.
type Traces struct {
	Verdicts func() uint64            // looked at
	Waiting  func() uint64            // verdicts not looked at yet
	Sent     func() uint64            // traces
	Dropped  map[string]func() uint64 // traces, by why: one of a closed set
}

// CountTraces shows what an exporter does, as hal9_traces_*. It is called once, where one runs.
func (m *Metrics) CountTraces(t Traces) {
	counter := func(name, help string, labels prometheus.Labels, read func() uint64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return float64(read()) }))
	}
	counter("hal9_traces_verdicts_total", "Verdicts that were looked at for traces.", nil, t.Verdicts)
	counter("hal9_traces_sent_total", "Traces that the receiver took.", nil, t.Sent)
	for why, read := range t.Dropped {
		counter("hal9_traces_dropped_total", "Traces that should have been sent and were not, by why.", prometheus.Labels{"reason": why}, read)
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hal9_traces_waiting_verdicts", Help: "Verdicts that wait to be looked at for traces.",
	}, func() float64 { return float64(t.Waiting()) }))
}
