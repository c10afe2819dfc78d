// Package emergency gives layers more replicas when autoscaling is too slow, and the exact way back. It raises the
// bounds of KEDA's ScaledObject and of its HPA, so that neither takes the new pods away again, and scales the Deployment
// at once; where there is no KEDA, or no HPA, it does the rest.
//
// It promises that the way back is written before the first change and is whole whenever it is killed: in a file, and
// as an annotation on the objects themselves; that a second emergency keeps what was before the first; and that
// restoring gives back exactly the fields that were changed, and tells of those that somebody else changed meanwhile.
package emergency

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// The annotations that an emergency leaves on ScaledObjects and Deployments.
const (
	AnnotationUntil  = "hal9.dev/emergency-until"  // when restoring is urged, RFC 3339
	AnnotationRecord = "hal9.dev/emergency-record" // the layer's record, JSON
)

// KEDA's annotations that pause a ScaledObject.
const (
	pausedReplicas = "autoscaling.keda.sh/paused-replicas"
	pausedAll      = "autoscaling.keda.sh/paused"
	pausedIn       = "autoscaling.keda.sh/paused-scale-in"
	pausedOut      = "autoscaling.keda.sh/paused-scale-out"
)

// Mode is how KEDA is kept from taking pods away.
type Mode string

// Modes.
const (
	ModeRaise Mode = "raise" // minimum and maximum are raised: KEDA may still add pods
	ModePause Mode = "pause" // KEDA is paused at the number
)

// Kind is a kind of object, as kubectl names it.
type Kind string

// Kinds.
const (
	KindScaledObject Kind = "scaledobject.keda.sh"
	KindHPA          Kind = "horizontalpodautoscaler.autoscaling"
	KindDeployment   Kind = "deployment.apps"
)

// order is that in which objects are changed and restored.
var order = []Kind{KindScaledObject, KindHPA, KindDeployment}

// Value is a field's value as JSON; "null" where the field is not there.
type Value string

// Absent is the value of a field that is not there.
const Absent Value = "null"

// Field is a field that is changed.
type Field struct {
	Path   []string `json:"path"` // names from the object's root
	Before Value    `json:"before"`
	After  Value    `json:"after"`
}

// Name returns the path as people write it.
func (f *Field) Name() string {
	last := f.Path[len(f.Path)-1]
	if strings.Contains(last, "/") {
		return "annotation " + last
	}
	return strings.Join(f.Path, ".")
}

// Change is what happens to one object.
type Change struct {
	Kind   Kind    `json:"kind"`
	Name   string  `json:"name"`
	UID    string  `json:"uid"`
	Fields []Field `json:"fields"`
	// Marked says that the object carries the annotations; KEDA owns the annotations of its HPAs.
	Marked bool `json:"marked"`
}

// LayerRecord is what happens to a layer's objects.
type LayerRecord struct {
	Layer    string    `json:"layer"`
	Replicas int       `json:"replicas"`
	At       time.Time `json:"at"` // of the first change that is not restored yet
	Until    time.Time `json:"until"`
	By       string    `json:"by"`
	Changes  []Change  `json:"changes"`
}

// value reads a field of an object.
func value(object json.RawMessage, path []string) Value {
	for _, name := range path {
		var fields map[string]json.RawMessage
		if json.Unmarshal(object, &fields) != nil {
			return Absent
		}
		inner, ok := fields[name]
		if !ok {
			return Absent
		}
		object = inner
	}
	return Value(object)
}

// number writes an integer as a value.
func number(n int) Value { return Value(strconv.Itoa(n)) }

// text writes a text as a value.
func text(s string) Value {
	data, err := json.Marshal(s)
	if err != nil { // Texts always can.
		return Absent
	}
	return Value(data)
}

// patch returns the merge patch that sets fields.
func patch(sets []set) string {
	root := node{}
	for _, s := range sets {
		at := root
		for _, name := range s.path[:len(s.path)-1] {
			next, ok := at[name].(node)
			if !ok {
				next = node{}
				at[name] = next
			}
			at = next
		}
		at[s.path[len(s.path)-1]] = json.RawMessage(s.value)
	}
	data, err := json.Marshal(root)
	if err != nil { // Values come out of JSON.
		return "{}"
	}
	return string(data)
}

// set is a field with the value that it gets.
type set struct {
	path  []string
	value Value
}

// node is an object of a patch.
type node map[string]json.Marshaler

// MarshalJSON implements json.Marshaler.
func (n node) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]json.Marshaler(n)) }

// annotation returns the path of an annotation.
func annotation(name string) []string { return []string{"metadata", "annotations", name} }

// Deployment returns the name of a layer's Deployment and ScaledObject.
func Deployment(layer layers.Name) string { return "hal9-" + strings.ToLower(layer.String()) }

// Options say what is wanted.
type Options struct {
	Layers   []layers.Name
	Replicas int
	Mode     Mode
	For      time.Duration // until restoring is urged
	By       string        // who asked
	Timeout  time.Duration // for which pods are waited for
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options {
	return Options{Replicas: 20, Mode: ModeRaise, For: 2 * time.Hour, Timeout: 5 * time.Minute}
}

// MaxReplicas bounds what can be asked for.
const MaxReplicas = 1000

// Validate reports every impossible value.
func (o Options) Validate() error {
	var problems []error
	if o.Replicas < 1 || o.Replicas > MaxReplicas {
		problems = append(problems, fmt.Errorf("emergency: --replicas %d: want 1 to %d", o.Replicas, MaxReplicas))
	}
	if o.Mode != ModeRaise && o.Mode != ModePause {
		problems = append(problems, fmt.Errorf("emergency: --mode %q: want raise or pause", o.Mode))
	}
	if o.For < time.Minute || o.For > 30*24*time.Hour {
		problems = append(problems, fmt.Errorf("emergency: --for %s: want 1m to 720h", o.For))
	}
	if o.Timeout <= 0 {
		problems = append(problems, fmt.Errorf("emergency: --timeout %s: want more than 0", o.Timeout))
	}
	return errors.Join(problems...)
}

// Rights are what an emergency can't do without: to read what there is, to change it, and to see the pods come.
func Rights() []kube.Right {
	var rights []kube.Right
	for _, kind := range order {
		name, group, _ := strings.Cut(string(kind), ".")
		for _, verb := range []string{"get", "list", "patch"} {
			rights = append(rights, kube.Right{Verb: verb, Group: group, Resource: name + "s"})
		}
	}
	return append(rights,
		kube.Right{Verb: "list", Group: "apps", Resource: "statefulsets"},
		kube.Right{Verb: "list", Group: "apps", Resource: "replicasets"},
		kube.Right{Verb: "list", Resource: "pods"})
}
