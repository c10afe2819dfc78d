package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Door is a way into HAL9.
type Door string

// The doors that HAL9 keeps itself. DoorAlertmanager is HTTP too: the webhook and Prometheus's
// own path. Publishing to NATS is entering L1, and is counted there.
const (
	DoorHTTP         Door = "http"
	DoorAlertmanager Door = "alertmanager"
)

// Outcome says what became of a signal at its door.
type Outcome string

// The outcomes. What is OutcomeRejected entered nowhere.
const (
	OutcomeAccepted  Outcome = "accepted"
	OutcomeDuplicate Outcome = "duplicate"
	OutcomeRejected  Outcome = "rejected"
)

// entry is one series of ingest.
type entry struct {
	door    Door
	outcome Outcome
}

// ingest counts signals at the doors. The map is complete after newIngest and only read.
type ingest struct {
	group
	entries map[entry]prometheus.Counter
}

func newIngest() *ingest {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hal9_ingest_total",
		Help: "Signals at the HTTP doors, by what became of them there.",
	}, []string{"door", "outcome"})
	i := &ingest{group: group{vec}, entries: make(map[entry]prometheus.Counter)}
	for _, door := range []Door{DoorHTTP, DoorAlertmanager} {
		for _, outcome := range []Outcome{OutcomeAccepted, OutcomeDuplicate, OutcomeRejected} {
			i.entries[entry{door, outcome}] = vec.WithLabelValues(string(door), string(outcome))
		}
	}
	return i
}

// Ingested counts n signals at a door; n below 1 counts nothing.
func (m *Metrics) Ingested(door Door, outcome Outcome, n int) {
	if c := m.ingest.entries[entry{door, outcome}]; c != nil && n > 0 {
		c.Add(float64(n))
	}
}
