package emergency

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// Cluster is what there is of HAL9 in a namespace.
type Cluster struct {
	KEDA          bool // whether the cluster knows ScaledObjects
	Deployments   []Item[kube.Workload]
	ScaledObjects []Item[kube.ScaledObject]
	HPAs          []Item[kube.HPA]
}

// Item is an object, read and as it stands.
type Item[T any] struct {
	Object kube.Object
	Is     T
}

// Read reads what there is, in one request where there is KEDA.
func Read(ctx context.Context, c kube.Client) (*Cluster, error) {
	cluster := &Cluster{KEDA: true}
	others := string(KindDeployment) + "," + string(KindHPA)
	list, err := kube.Get[kube.List[kube.Object]](ctx, c, others+","+string(KindScaledObject))
	if kube.TroubleOf(err) == kube.TroubleNoKind {
		cluster.KEDA = false
		list, err = kube.Get[kube.List[kube.Object]](ctx, c, others)
	}
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		if err := cluster.add(&list.Items[i]); err != nil {
			return nil, fmt.Errorf("emergency: %s %s: %w", list.Items[i].Kind, list.Items[i].Metadata.Name, err)
		}
	}
	return cluster, nil
}

func (c *Cluster) add(object *kube.Object) (err error) {
	switch object.Kind {
	case "Deployment":
		c.Deployments, err = appended(c.Deployments, object)
	case "HorizontalPodAutoscaler":
		c.HPAs, err = appended(c.HPAs, object)
	case "ScaledObject":
		c.ScaledObjects, err = appended(c.ScaledObjects, object)
	}
	return err
}

func appended[T any](list []Item[T], object *kube.Object) ([]Item[T], error) {
	item := Item[T]{Object: *object}
	err := json.Unmarshal(object.Raw, &item.Is)
	return append(list, item), err
}

// find returns the first item for which a condition holds, nil where there is none.
func find[T any](items []Item[T], is func(*Item[T]) bool) *Item[T] {
	for i := range items {
		if is(&items[i]) {
			return &items[i]
		}
	}
	return nil
}

// Standing is what there is of one layer; what there is not is nil.
type Standing struct {
	Layer        layers.Name
	Deployment   *Item[kube.Workload]
	ScaledObject *Item[kube.ScaledObject]
	HPA          *Item[kube.HPA]
}

// Standing returns what there is of a layer.
func (c *Cluster) Standing(layer layers.Name) Standing {
	name := Deployment(layer)
	return Standing{
		Layer:        layer,
		Deployment:   find(c.Deployments, func(d *Item[kube.Workload]) bool { return d.Object.Metadata.Name == name }),
		ScaledObject: find(c.ScaledObjects, func(s *Item[kube.ScaledObject]) bool { return s.Is.Spec.ScaleTargetRef.Name == name }),
		HPA:          find(c.HPAs, func(h *Item[kube.HPA]) bool { return h.Is.Spec.ScaleTargetRef.Name == name }),
	}
}

// Record returns the record of an emergency that is under way, as the objects themselves keep it.
func (s *Standing) Record() (record LayerRecord, ok bool) {
	for _, meta := range s.marked() {
		note, found := meta.Annotations[AnnotationRecord]
		if found && json.Unmarshal([]byte(note), &record) == nil && record.Layer == s.Layer.String() && record.check() == nil {
			return record, true
		}
		record = LayerRecord{}
	}
	return LayerRecord{}, false
}

// marked returns what carries HAL9's annotations.
func (s *Standing) marked() (metas []*kube.Meta) {
	if s.ScaledObject != nil {
		metas = append(metas, &s.ScaledObject.Object.Metadata)
	}
	if s.Deployment != nil {
		metas = append(metas, &s.Deployment.Object.Metadata)
	}
	if s.HPA != nil && !s.ownedByKEDA() {
		metas = append(metas, &s.HPA.Object.Metadata)
	}
	return metas
}

// ownedByKEDA reports whether KEDA made the HPA, and so writes its annotations.
func (s *Standing) ownedByKEDA() bool {
	return s.HPA != nil && s.HPA.Object.Metadata.Owner("ScaledObject") != ""
}

// manager returns what else may write these objects, such as a GitOps controller that would take an emergency back;
// "" where nothing says so.
func (s *Standing) manager() string {
	for _, meta := range s.marked() {
		for _, known := range []struct{ key, name string }{
			{"argocd.argoproj.io/tracking-id", "Argo CD"},
			{"argocd.argoproj.io/instance", "Argo CD"},
			{"kustomize.toolkit.fluxcd.io/name", "Flux"},
			{"helm.toolkit.fluxcd.io/name", "Flux"},
		} {
			if meta.Annotations[known.key]+meta.Labels[known.key] != "" {
				return known.name
			}
		}
	}
	return ""
}

// object returns the layer's object of a kind, nil where there is none.
func (s *Standing) object(kind Kind) *kube.Object {
	switch {
	case kind == KindScaledObject && s.ScaledObject != nil:
		return &s.ScaledObject.Object
	case kind == KindHPA && s.HPA != nil:
		return &s.HPA.Object
	case kind == KindDeployment && s.Deployment != nil:
		return &s.Deployment.Object
	default:
		return nil
	}
}
