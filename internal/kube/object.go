package kube

import (
	"encoding/json"
	"time"
)

// Meta is what every object has.
type Meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace,omitempty"`
	UID               string            `json:"uid"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	CreationTimestamp time.Time         `json:"creationTimestamp"`
	DeletionTimestamp *time.Time        `json:"deletionTimestamp,omitempty"`
	OwnerReferences   []struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"ownerReferences,omitempty"`
}

// Owner returns the name of the owner of a kind, "" where there is none.
func (m *Meta) Owner(kind string) string {
	for _, owner := range m.OwnerReferences {
		if owner.Kind == kind {
			return owner.Name
		}
	}
	return ""
}

// Condition is how something about an object stands.
type Condition struct {
	Type               string    `json:"type"`
	Status             string    `json:"status"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
}

// ConditionOf returns a condition by its type; the zero Condition where there is none.
func ConditionOf(conditions []Condition, name string) Condition {
	for _, c := range conditions {
		if c.Type == name {
			return c
		}
	}
	return Condition{}
}

// Workload is a Deployment or a StatefulSet.
type Workload struct {
	Kind     string `json:"kind"`
	Metadata Meta   `json:"metadata"`
	Spec     struct {
		Replicas *int `json:"replicas"`
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		Template struct {
			Spec PodSpec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		Replicas      int         `json:"replicas"`
		ReadyReplicas int         `json:"readyReplicas"`
		Conditions    []Condition `json:"conditions"`
	} `json:"status"`
}

// Wanted returns how many pods it is to have.
func (w *Workload) Wanted() int {
	if w.Spec.Replicas == nil {
		return 1 // Kubernetes' default
	}
	return *w.Spec.Replicas
}

// Selects reports whether a pod is one of its.
func (w *Workload) Selects(p *Pod) bool {
	for name, want := range w.Spec.Selector.MatchLabels {
		if p.Metadata.Labels[name] != want {
			return false
		}
	}
	return len(w.Spec.Selector.MatchLabels) > 0
}

// PodSpec is what a pod needs.
type PodSpec struct {
	NodeName   string      `json:"nodeName,omitempty"`
	Containers []Container `json:"containers"`
}

// Container is one of a pod's.
type Container struct {
	Name      string `json:"name"`
	Image     string `json:"image"`
	Resources struct {
		Requests map[string]string `json:"requests"`
		Limits   map[string]string `json:"limits"`
	} `json:"resources"`
}

// Requests returns what all containers ask for of a resource.
func (s *PodSpec) Requests(resource string) (sum Quantity) {
	for i := range s.Containers {
		q, _ := ParseQuantity(s.Containers[i].Resources.Requests[resource]) // What is none asks for nothing.
		sum += q
	}
	return sum
}

// Limits returns what all containers may use of a resource.
func (s *PodSpec) Limits(resource string) (sum Quantity) {
	for i := range s.Containers {
		q, _ := ParseQuantity(s.Containers[i].Resources.Limits[resource]) // What is none limits nothing.
		sum += q
	}
	return sum
}

// ContainerState is how a container is, or was before.
type ContainerState struct {
	Waiting *struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"waiting"`
	Running *struct {
		StartedAt time.Time `json:"startedAt"`
	} `json:"running"`
	Terminated *struct {
		ExitCode   int       `json:"exitCode"`
		Reason     string    `json:"reason"`
		Message    string    `json:"message"`
		FinishedAt time.Time `json:"finishedAt"`
	} `json:"terminated"`
}

// ContainerStatus is how a container is.
type ContainerStatus struct {
	Name         string         `json:"name"`
	Ready        bool           `json:"ready"`
	RestartCount int            `json:"restartCount"`
	Image        string         `json:"image"`
	State        ContainerState `json:"state"`
	LastState    ContainerState `json:"lastState"`
}

// Pod is one.
type Pod struct {
	Metadata Meta    `json:"metadata"`
	Spec     PodSpec `json:"spec"`
	Status   struct {
		Phase      string            `json:"phase"`
		Reason     string            `json:"reason"`
		Message    string            `json:"message"`
		Conditions []Condition       `json:"conditions"`
		Init       []ContainerStatus `json:"initContainerStatuses"`
		Containers []ContainerStatus `json:"containerStatuses"`
	} `json:"status"`
}

// Ready reports whether a pod takes work.
func (p *Pod) Ready() bool {
	return p.Metadata.DeletionTimestamp == nil && ConditionOf(p.Status.Conditions, "Ready").Status == "True"
}

// ScaledObject is KEDA's.
type ScaledObject struct {
	Metadata Meta `json:"metadata"`
	Spec     struct {
		ScaleTargetRef  Ref  `json:"scaleTargetRef"`
		MinReplicaCount *int `json:"minReplicaCount"` // nil: 0
		MaxReplicaCount *int `json:"maxReplicaCount"` // nil: 100
	} `json:"spec"`
	Status struct {
		Conditions []Condition `json:"conditions"`
		HPAName    string      `json:"hpaName"`
	} `json:"status"`
}

// Ref names another object.
type Ref struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// HPA is a HorizontalPodAutoscaler.
type HPA struct {
	Metadata Meta `json:"metadata"`
	Spec     struct {
		ScaleTargetRef Ref  `json:"scaleTargetRef"`
		MinReplicas    *int `json:"minReplicas"` // nil: 1
		MaxReplicas    int  `json:"maxReplicas"`
	} `json:"spec"`
	Status struct {
		CurrentReplicas int         `json:"currentReplicas"`
		DesiredReplicas int         `json:"desiredReplicas"`
		Conditions      []Condition `json:"conditions"`
	} `json:"status"`
}

// Event is what a controller said about an object.
type Event struct {
	Metadata       Meta      `json:"metadata"`
	InvolvedObject Ref       `json:"involvedObject"`
	Type           string    `json:"type"`
	Reason         string    `json:"reason"`
	Message        string    `json:"message"`
	Count          int       `json:"count"`
	LastTimestamp  time.Time `json:"lastTimestamp"`
	EventTime      time.Time `json:"eventTime"`
}

// At returns when it was said last.
func (e *Event) At() time.Time {
	for _, at := range []time.Time{e.LastTimestamp, e.EventTime} {
		if !at.IsZero() {
			return at
		}
	}
	return e.Metadata.CreationTimestamp
}

// Node is a machine.
type Node struct {
	Metadata Meta `json:"metadata"`
	Spec     struct {
		Unschedulable bool `json:"unschedulable"`
		Taints        []struct {
			Key    string `json:"key"`
			Effect string `json:"effect"`
		} `json:"taints"`
	} `json:"spec"`
	Status struct {
		Allocatable map[string]string `json:"allocatable"`
		Conditions  []Condition       `json:"conditions"`
	} `json:"status"`
}

// Quota bounds what a namespace may have.
type Quota struct {
	Metadata Meta `json:"metadata"`
	Status   struct {
		Hard map[string]string `json:"hard"`
		Used map[string]string `json:"used"`
	} `json:"status"`
}

// Object is any object as it stands.
type Object struct {
	Kind     string          `json:"kind"`
	Metadata Meta            `json:"metadata"`
	Raw      json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole beside what is read of it.
func (o *Object) UnmarshalJSON(data []byte) error {
	type plain Object
	if err := json.Unmarshal(data, (*plain)(o)); err != nil {
		return err
	}
	o.Raw = append(json.RawMessage(nil), data...)
	return nil
}
