package layers

import (
	"encoding/json"
	"time"
)

// Signal is one thing that happened: a log line, a metric sample, an alert, an event.
// (Source, ID) identifies it, as in CloudEvents 1.0.
type Signal struct {
	ID       string
	Source   string            // who says so
	Type     string            // what kind of thing, such as "alert" or "io.k8s.event"; may be empty
	Key      string            // the entity it is about (CloudEvents subject); never empty after ingest
	Time     time.Time         // event time, UTC
	Severity Severity          // as the sender states it
	Labels   map[string]string // nil where there are none
	Value    float64           // the measured value where HasValue; always finite
	HasValue bool
	Text     string          // the message for people; may be empty
	Data     json.RawMessage // the structured payload as it came, valid JSON; nil where there is none
}

// Identity returns the text that identifies the signal: source and id. Two signals with
// the same identity are the same signal, however often they are sent.
func (s *Signal) Identity() string { return s.Source + "\x00" + s.ID }

// Hop is what one layer cost one signal.
type Hop struct {
	Layer     Name  `json:"layer"`
	WaitUS    int64 `json:"wait_us"`    // stored in the layer's stream until the layer took it, microseconds
	ProcessUS int64 `json:"process_us"` // the layer's own time, microseconds
}

// Class is a neuron that fires.
type Class struct {
	Label    string  `json:"label"`
	Strength float64 `json:"strength"`        // 0.5, at the threshold, to 1
	Flags    bool    `json:"flags,omitempty"` // such a signal opens a situation or joins one
}

// Mention is an entity that a signal names in its data or its text.
type Mention struct {
	Kind string // host, service, pod, …: as labels are called
	Name string
}

// FeatureRoutine is the feature that a pulse carries: how many routine signals its key had in a minute.
const FeatureRoutine = "routine_per_minute"

// Findings is what the layers below found out about a signal; each layer adds to it.
type Findings struct {
	TemplateID  string             // L2: stable id of the log template
	Template    string             // L2: the template's text, "<*>" for parameters
	Parameters  []string           // L2: what stood at the template's "<*>"
	NewTemplate bool               // L2: this signal is the first of its template
	Features    map[string]float64 // L2: numeric features found in value, text or data
	Classes     []Class            // L2: what its neurons see in the signal, the strongest first
	Mentions    []Mention          // L2: the entities that it names, one of each kind
	Key         string             // L2: the entity that it is about, where its sender does not say; the pipeline makes it the key
	Pulse       bool               // L2: routine; it climbs to show that its key is alive, and L3 learns FeatureRoutine from it and no more
	Anomaly     float64            // L3: 0 normal .. 1 certain anomaly
	Flagged     bool               // L3: left its baseline; what L3 correlates
	FlagReason  string             // L3: why it was flagged
	Situation   *Situation         // L3: the situation it opened or worsened
	PlanID      string             // L4: the plan proposed for the situation
	Marks       []Mark             // L1: what L5 counts of the signal, made by the pipeline
	Evidence    *Evidence          // L2, L3: what their findings rest on; nil where there is nothing to say
}

// Proof returns the evidence, which it begins where there is none yet.
func (f *Findings) Proof() *Evidence {
	if f.Evidence == nil {
		f.Evidence = &Evidence{}
	}
	return f.Evidence
}

// Envelope is a signal on its way up.
type Envelope struct {
	Signal
	Origin      uint64    // sequence in HAL9_L1 under which the signal was stored
	ReceivedAt  time.Time // when JetStream stored the signal in HAL9_L1
	TraceParent string    // W3C traceparent of the publisher, or one made from the identity
	Hops        []Hop
	Findings    Findings
}

// Rekey makes the key that L2 found the signal's own, once the layer has decided, and reports whether there was one.
func (e *Envelope) Rekey() bool {
	if e.Findings.Key == "" {
		return false
	}
	e.Key, e.Findings.Key = e.Findings.Key, ""
	return true
}
