package kube

import (
	"context"
	"encoding/json"
	"fmt"
)

// Scene is what runs in a namespace: workloads with their pods, and what was said about them.
type Scene struct {
	Workloads []Workload // Deployments and StatefulSets
	Sets      []Workload // ReplicaSets
	Pods      []Pod
	Events    []Event // warnings
}

// Scene reads what runs. Events are left out where the user may not read them.
func (c Client) Scene(ctx context.Context) (*Scene, error) {
	list, err := Get[List[Object]](ctx, c, "deployments.apps,statefulsets.apps,replicasets.apps,pods")
	if err != nil {
		return nil, err
	}
	s := &Scene{}
	for i := range list.Items {
		object := &list.Items[i]
		if err := s.add(object); err != nil {
			return nil, fmt.Errorf("kube: %s %s: %w", object.Kind, object.Metadata.Name, err)
		}
	}
	events, err := Get[List[Event]](ctx, c, "events", "--field-selector", "type=Warning")
	if err == nil {
		s.Events = events.Items
	}
	return s, nil
}

func (s *Scene) add(object *Object) error {
	if object.Kind == "Pod" {
		var pod Pod
		if err := json.Unmarshal(object.Raw, &pod); err != nil {
			return err
		}
		s.Pods = append(s.Pods, pod)
		return nil
	}
	var w Workload
	if err := json.Unmarshal(object.Raw, &w); err != nil {
		return err
	}
	if object.Kind == "ReplicaSet" {
		s.Sets = append(s.Sets, w)
	} else {
		s.Workloads = append(s.Workloads, w)
	}
	return nil
}

// Of returns a workload by its name, with what holds its pods back.
func (s *Scene) Of(name string) (w *Workload, holds []Hold) {
	for i := range s.Workloads {
		if s.Workloads[i].Metadata.Name == name {
			w = &s.Workloads[i]
		}
	}
	if w == nil {
		return nil, nil
	}
	var pods []Pod
	for i := range s.Pods {
		if w.Selects(&s.Pods[i]) {
			pods = append(pods, s.Pods[i])
		}
	}
	var sets []Workload
	for i := range s.Sets {
		if s.Sets[i].Metadata.Owner("Deployment") == name {
			sets = append(sets, s.Sets[i])
		}
	}
	return w, Holds(w, pods, sets, s.Events)
}
