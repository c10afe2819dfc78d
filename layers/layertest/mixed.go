package layertest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// start is the event time of the first signal of every generated input.
var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// Start returns the event time at which every generated input begins.
func Start() time.Time { return start }

// Mixed returns n envelopes as they enter L1, about a second apart: log lines of several
// sources, metric samples of several keys with spikes, alerts that fire, repeat and resolve,
// Kubernetes events, structured events without text, and a few criticals. Ids are distinct and
// event times are up to two seconds out of order. The same seed gives the same input.
func Mixed(seed uint64, n int) []*layers.Envelope {
	envelopes := Mined(seed, n)
	for _, e := range envelopes {
		e.Findings = layers.Findings{}
	}
	return envelopes
}

// Mined is Mixed with the findings that L2 leaves: template, parameters and features.
func Mined(seed uint64, n int) []*layers.Envelope {
	m := &mixer{random: rand.New(rand.NewPCG(seed, 9)), known: map[string]bool{}}
	envelopes := make([]*layers.Envelope, n)
	for i := range envelopes {
		envelopes[i] = m.envelope(i)
	}
	return envelopes
}

type mixer struct {
	random *rand.Rand
	known  map[string]bool
	i      int
}

func (m *mixer) envelope(i int) *layers.Envelope {
	m.i = i
	received := start.Add(time.Duration(i) * time.Second)
	e := &layers.Envelope{
		Origin: uint64(i) + 1, ReceivedAt: received.Add(20 * time.Millisecond),
		TraceParent: traceParent(i),
	}
	e.ID = "mixed-" + strconv.Itoa(i)
	e.Time = received.Add(-time.Duration(m.random.IntN(2000)) * time.Millisecond)
	switch roll := m.random.IntN(100); {
	case roll < 50:
		m.logLine(e)
	case roll < 80:
		m.sample(e)
	case roll < 90:
		m.alert(e)
	case roll < 95:
		m.kubernetes(e)
	default:
		m.order(e)
	}
	return e
}

func traceParent(i int) string { return fmt.Sprintf("00-%032x-%016x-01", i+1, i+1) }

// sample is a metric: a level per key with noise and, every now and then, a spike.
func (m *mixer) sample(e *layers.Envelope) {
	host := m.random.IntN(4)
	e.Source, e.Type, e.Key = "node-exporter", "metric.cpu", fmt.Sprintf("host-%d", host)
	e.Labels = map[string]string{"host": e.Key, "unit": "percent"}
	e.Value, e.HasValue = 20+10*float64(host)+m.random.NormFloat64(), true
	if m.random.IntN(60) == 0 {
		e.Value += 60
	}
	e.Findings.Features = map[string]float64{"value": e.Value}
}

// alert fires for one of three conditions, mostly the same again, and resolves sometimes.
func (m *mixer) alert(e *layers.Envelope) {
	n := m.random.IntN(3)
	e.Source, e.Type, e.Key = "alertmanager", "alert", fmt.Sprintf("service-%d", n)
	e.Severity = []layers.Severity{layers.SeverityWarning, layers.SeverityError, layers.SeverityCritical}[n]
	e.Labels = map[string]string{"alertname": "HighErrorRate", "service": e.Key, "alertstatus": "firing"}
	if m.random.IntN(4) == 0 {
		e.Labels["alertstatus"] = "resolved"
	}
	e.Text = "HighErrorRate on " + e.Key
	m.mined(e, "HighErrorRate on <*>", e.Key)
}

func (m *mixer) kubernetes(e *layers.Envelope) {
	pod := fmt.Sprintf("web-%d", m.random.IntN(5))
	e.Source, e.Type, e.Key = "kubernetes", "io.k8s.event", "default/"+pod
	e.Labels = map[string]string{"namespace": "default", "pod": pod}
	e.Severity, e.Text = layers.SeverityInfo, "Started container web"
	template, parameters := e.Text, []string(nil)
	if m.random.IntN(5) == 0 {
		e.Severity, e.Text = layers.SeverityWarning, "Back-off restarting failed container web in pod "+pod
		template, parameters = "Back-off restarting failed container web in pod <*>", []string{pod}
	}
	m.mined(e, template, parameters...)
}

// order is a business event: structured, without text.
func (m *mixer) order(e *layers.Envelope) {
	customer, amount := m.random.IntN(50), m.random.IntN(20_000)
	e.Source, e.Type, e.Key = "shop", "com.example.order", fmt.Sprintf("customer-%d", customer)
	e.Data = fmt.Appendf(nil, `{"amount":%d.5,"items":{"count":%d},"currency":"EUR"}`, amount, 1+amount%7)
	e.Findings.Features = map[string]float64{"amount": float64(amount) + .5, "items.count": float64(1 + amount%7)}
	m.mined(e, "amount currency items")
}
