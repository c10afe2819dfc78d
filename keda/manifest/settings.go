// Package manifest renders what Kubernetes needs to scale HAL9's layers with KEDA: one ScaledObject per layer, from KEDA's
// own Go types, with the reasons as comments, and the kustomization that names them. The same settings give the same bytes.
package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/keda/policy"
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
	ScaleToZero   bool    // an idle layer has no replica, whatever its minimum; default false
	Connections   int     // open HTTP connections for each replica of hal9-web, which is then scaled as well; default 0, it is not
	WithResources bool    // CPU 60 % and memory 70 % of the requests as a safety net; default false
	Scaler        string  // host:port of `hal9 scaler`; default hal9-scaler.<namespace>.svc.cluster.local:9098
	Monitoring    string  // host:port of NATS' monitoring, for stock; default hal9-nats-headless.<namespace>.svc.cluster.local:8222
	Prometheus    string  // URL of Prometheus, for stock; default http://prometheus.monitoring.svc.cluster.local:9090
	Layers        []Layer // in the order of the files; default all five
}

// Layer says how one layer scales.
type Layer struct {
	Name   layers.Name
	Policy policy.Config // bounds and pace, and for stock drain time, latency objective and rate
}

// DefaultSettings returns the defaults.
func DefaultSettings() Settings {
	s := Settings{Namespace: "hal9", Partitions: 60, Trigger: TriggerPush}
	for _, name := range layers.Names() {
		s.Layers = append(s.Layers, Layer{name, policy.DefaultConfig()})
	}
	return s
}

// withDefaults fills in the addresses that follow from the namespace.
func (s Settings) withDefaults() Settings {
	if s.Scaler == "" {
		s.Scaler = "hal9-scaler." + s.Namespace + ".svc.cluster.local:9098"
	}
	if s.Monitoring == "" {
		// Of a cluster that advertises no addresses, KEDA asks <server>.<this address> for what the leader of a consumer knows. So it
		// must be the Service in which servers have names.
		s.Monitoring = "hal9-nats-headless." + s.Namespace + ".svc.cluster.local:8222"
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
	if s.Connections < 0 {
		problems = append(problems, fmt.Errorf("manifest: %d connections for each replica: want 1 or more, or 0 where nothing scales hal9-web", s.Connections))
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
	if !slices.Contains(layers.Names(), l.Name) {
		problems = append(problems, fmt.Errorf("manifest: no such layer as %q: want L1 to L5", l.Name))
	}
	if err := l.Policy.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("manifest: %s: %w", l.Name, err))
	}
	return problems
}

// bounds returns how many replicas the layer may have. One that has no partition to own has nothing to do.
func (l *Layer) bounds(partitions int) (least, most int) {
	if l.Name == layers.NameL1 {
		return l.Policy.Min, l.Policy.Max
	}
	return min(l.Policy.Min, partitions), min(l.Policy.Max, partitions)
}
