package emergency

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

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

// Read reads what there is.
func Read(ctx context.Context, c kube.Client) (*Cluster, error) {
	cluster := &Cluster{KEDA: true}
	var wait sync.WaitGroup
	var errs [3]error
	wait.Go(func() { cluster.Deployments, errs[0] = items[kube.Workload](ctx, c, KindDeployment) })
	wait.Go(func() { cluster.ScaledObjects, errs[1] = items[kube.ScaledObject](ctx, c, KindScaledObject) })
	wait.Go(func() { cluster.HPAs, errs[2] = items[kube.HPA](ctx, c, KindHPA) })
	wait.Wait()
	if kube.TroubleOf(errs[1]) == kube.TroubleNoKind {
		cluster.KEDA, errs[1] = false, nil
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return cluster, nil
}

func items[T any](ctx context.Context, c kube.Client, kind Kind) ([]Item[T], error) {
	list, err := kube.Get[kube.List[kube.Object]](ctx, c, string(kind))
	if err != nil {
		return nil, err
	}
	found := make([]Item[T], len(list.Items))
	for i := range list.Items {
		found[i].Object = list.Items[i]
		if err := json.Unmarshal(list.Items[i].Raw, &found[i].Is); err != nil {
			return nil, fmt.Errorf("emergency: %s %s: %w", kind, list.Items[i].Metadata.Name, err)
		}
	}
	return found, nil
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
			{"argocd.argoproj.io/tracking-id", "Argo CD"}, {"argocd.argoproj.io/instance", "Argo CD"},
			{"kustomize.toolkit.fluxcd.io/name", "Flux"}, {"helm.toolkit.fluxcd.io/name", "Flux"},
		} {
			if meta.Annotations[known.key]+meta.Labels[known.key] != "" {
				return known.name
			}
		}
	}
	return ""
}
