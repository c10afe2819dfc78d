// Package manifest renders what Kubernetes needs to scale HAL9's layers with KEDA: one ScaledObject per layer, from KEDA's
// own Go types, with the reasons as comments, and the kustomization that names them. The same settings give the same bytes.
package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Trigger is what KEDA asks how many replicas a layer needs.
type Trigger string

// The triggers.
const (
	TriggerPush  Trigger = "external-push" // HAL9's scaler, which says how many replicas a layer needs
	TriggerStock Trigger = "stock"         // KEDA's own scalers for NATS JetStream and Prometheus
)

// Settings say what is rendered.
type Settings struct {
	Namespace     string  // of everything; default hal9
	Partitions    int     // of each keyed layer, as provisioned; default 60
	Trigger       Trigger // default external-push
	ScaleToZero   bool    // an idle layer has no replica; default false
	WithResources bool    // CPU 60 % and memory 70 % of the requests as a safety net; default false
	Scaler        string  // host:port of `hal9 scaler`; default hal9-scaler.<namespace>.svc.cluster.local:9098
	Monitoring    string  // host:port of NATS' monitoring, for stock; default hal9-nats.<namespace>.svc.cluster.local:8222
	Prometheus    string  // URL of Prometheus, for stock; default http://prometheus.monitoring.svc.cluster.local:9090
	Layers        []Layer // in the order of the files; default all five
}

// Layer says how one layer scales.
type Layer struct {
	Name      layers.Name
	Min       int           // replicas; default 5
	Max       int           // replicas; default 30
	Fallback  int           // replicas at least where the metric cannot be had; default Min
	UpPods    int           // pods more per minute; default 5
	DownPods  int           // pods fewer per two minutes; default 2
	Stabilise time.Duration // how long fewer must be enough before pods go; default 5 min
	Drain     time.Duration // a backlog is to be worked off within; default 30 s
	Rate      float64       // signals per second that one replica works off, for stock; default 1,000
	Latency   time.Duration // objective of the p95 of the time that a signal waits, for stock; default 1 s
}

// Pace of scaling: so long is the period in which UpPods may come, and DownPods go.
const (
	upPeriod   = time.Minute
	downPeriod = 2 * time.Minute
)

// DefaultSettings returns the defaults.
func DefaultSettings() Settings {
	s := Settings{Namespace: "hal9", Partitions: 60, Trigger: TriggerPush}
	for _, name := range layers.Names() {
		s.Layers = append(s.Layers, DefaultLayer(name))
	}
	return s
}

// DefaultLayer returns the defaults of a layer.
func DefaultLayer(name layers.Name) Layer {
	return Layer{
		Name: name, Min: 5, Max: 30, Fallback: 5, UpPods: 5, DownPods: 2, Stabilise: 5 * time.Minute,
		Drain: 30 * time.Second, Rate: 1000, Latency: time.Second,
	}
}

// withDefaults fills in the addresses that follow from the namespace.
func (s Settings) withDefaults() Settings {
	if s.Scaler == "" {
		s.Scaler = "hal9-scaler." + s.Namespace + ".svc.cluster.local:9098"
	}
	if s.Monitoring == "" {
		s.Monitoring = "hal9-nats." + s.Namespace + ".svc.cluster.local:8222"
	}
	if s.Prometheus == "" {
		s.Prometheus = "http://prometheus.monitoring.svc.cluster.local:9090"
	}
	return s
}

// Validate reports everything that Kubernetes or KEDA would refuse, or take and not do.
func (s Settings) Validate() error {
	var problems []error
	if len(s.Namespace) > 63 || !label.MatchString(s.Namespace) {
		problems = append(problems, fmt.Errorf("manifest: namespace %q: want at most 63 lower-case letters, digits and dashes", s.Namespace))
	}
	if s.Partitions < 1 || s.Partitions > pipeline.MaxPartitions {
		problems = append(problems, fmt.Errorf("manifest: %d partitions: want 1 to %d", s.Partitions, pipeline.MaxPartitions))
	}
	if s.Trigger != TriggerPush && s.Trigger != TriggerStock {
		problems = append(problems, fmt.Errorf("manifest: trigger %q: want %s or %s", s.Trigger, TriggerPush, TriggerStock))
	}
	if s.Prometheus != "" && !strings.HasPrefix(s.Prometheus, "http://") && !strings.HasPrefix(s.Prometheus, "https://") {
		problems = append(problems, fmt.Errorf("manifest: Prometheus at %q: want a URL, such as http://prometheus.monitoring.svc.cluster.local:9090", s.Prometheus))
	}
	for i := range s.Layers {
		problems = append(problems, s.Layers[i].validate()...)
	}
	return errors.Join(problems...)
}

// label is what the API server takes for the name of a namespace.
var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func (l *Layer) validate() []error {
	var problems []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("manifest: %s: "+format, append([]any{l.Name}, args...)...))
		}
	}
	want(slices.Contains(layers.Names(), l.Name), "no such layer: want L1 to L5")
	want(l.Min >= 1, "minimum of %d replicas: want at least 1; --scale-to-zero lets an idle layer have none", l.Min)
	want(l.Max >= l.Min, "maximum of %d replicas is below the minimum of %d", l.Max, l.Min)
	want(l.Fallback >= 1 && l.Fallback <= max(1, l.Max), "fallback to %d replicas: want 1 to %d", l.Fallback, l.Max)
	want(l.UpPods >= 1 && l.DownPods >= 1, "pace of %d pods up and %d down: want at least 1", l.UpPods, l.DownPods)
	want(l.Stabilise >= 0 && l.Stabilise <= time.Hour, "stabilisation window of %v: Kubernetes takes 0s to 1h", l.Stabilise)
	want(l.Drain >= time.Second, "drain time of %v: want at least 1s", l.Drain)
	want(l.Rate > 0 && l.Rate < 1e9, "rate of %v signals/s per replica: want more than 0", l.Rate)
	want(l.Latency > 0, "latency objective of %v: want more than 0s", l.Latency)
	return problems
}

// bounds returns how many replicas the layer may have. One that has no partition to own has nothing to do.
func (l *Layer) bounds(partitions int) (least, most int) {
	if l.Name == layers.NameL1 {
		return l.Min, l.Max
	}
	return min(l.Min, partitions), min(l.Max, partitions)
}
