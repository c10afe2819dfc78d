package emergency

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// Way is the way back as it stands against the cluster.
type Way struct {
	Record  *Record
	Path    string   // of the file that is to say that it is restored; "" for none
	Filed   []string // layers whose record stands in the file only
	Items   []WayItem
	Left    []Step // what Restore could not give back, since it is not there any more
	options RestoreOptions
}

// WayItem is one field on the way back.
type WayItem struct {
	Layer  string `json:"layer"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	Field  string `json:"field"`
	Now    Value  `json:"now"`
	Before Value  `json:"before"`
	State  Back   `json:"state"`
}

// Back is how a field stands on the way back.
type Back string

// How fields stand.
const (
	BackDo      Back = "restore" // it is as the emergency left it
	BackDone    Back = "done"    // it is as it was before
	BackChanged Back = "changed" // somebody made something else of it meanwhile
	BackMoved   Back = "moved"   // what moves it anyway did: the autoscaler, or KEDA its HPA
	BackKept    Back = "kept"    // it is left to the autoscaler
	BackGone    Back = "gone"    // the object is not there, or is another one
)

// newWay says what stands in the way of restoring.
func newWay(cluster *Cluster, r *Record, path string, filed []string, o RestoreOptions) *Way {
	w := &Way{Record: r, Path: path, Filed: filed, options: o}
	for i := range r.Layers {
		l := &r.Layers[i]
		for j := range l.Changes {
			items := itemsOf(cluster, l, &l.Changes[j])
			for k := range items {
				if o.keeps(l, &l.Changes[j]) {
					items[k].State = BackKept
				}
			}
			w.Items = append(w.Items, items...)
		}
	}
	return w
}

func itemsOf(cluster *Cluster, l *LayerRecord, change *Change) (list []WayItem) {
	object := cluster.object(change)
	for _, f := range change.Fields {
		item := WayItem{Layer: l.Layer, Kind: change.Kind, Name: change.Name, Field: f.Name(), Before: f.Before, Now: Absent}
		if object == nil {
			item.State = BackGone
		} else {
			item.Now = value(object.Raw, f.Path)
			item.State = stateOf(&f, item.Now, movable(l, change))
		}
		list = append(list, item)
	}
	return list
}

// movable reports whether something else moves the fields of an object, as it is to: the autoscaler a Deployment's
// replicas, and KEDA the bounds of its HPA.
func movable(l *LayerRecord, change *Change) bool {
	return change.Kind == KindDeployment && autoscaled(l) || change.Kind == KindHPA && !change.Marked
}

// autoscaled reports whether something else moves the Deployment's replicas.
func autoscaled(l *LayerRecord) bool {
	return slices.ContainsFunc(l.Changes, func(c Change) bool { return c.Kind != KindDeployment })
}

func stateOf(f *Field, now Value, movable bool) Back {
	switch {
	case now == f.Before:
		return BackDone
	case now == f.After:
		return BackDo
	case movable:
		return BackMoved
	default:
		return BackChanged
	}
}

// object returns what a change is about, nil where that is gone.
func (c *Cluster) object(change *Change) *kube.Object {
	var found *kube.Object
	switch change.Kind {
	case KindScaledObject:
		found = named(c.ScaledObjects, change.Name)
	case KindHPA:
		found = named(c.HPAs, change.Name)
	case KindDeployment:
		found = named(c.Deployments, change.Name)
	}
	// KEDA makes its HPAs anew where a pause ends; they stay the same to people.
	if found != nil && found.Metadata.UID != change.UID && change.Kind != KindHPA {
		return nil
	}
	return found
}

func named[T any](items []Item[T], name string) *kube.Object {
	if item := find(items, func(i *Item[T]) bool { return i.Object.Metadata.Name == name }); item != nil {
		return &item.Object
	}
	return nil
}

// Changed returns what somebody changed meanwhile.
func (w *Way) Changed() (list []WayItem) {
	for _, item := range w.Items {
		if item.State == BackChanged {
			list = append(list, item)
		}
	}
	return list
}

// RestoreOptions say how to go back.
type RestoreOptions struct {
	File         string // the record; default that of the cluster and namespace
	KeepReplicas bool   // leave the number of pods to the autoscaler, which comes down at its own pace
	Force        bool   // give back what was before also where somebody made something else of it
}

// keeps reports whether a change is left to the autoscaler.
func (o RestoreOptions) keeps(l *LayerRecord, change *Change) bool {
	return o.KeepReplicas && change.Kind == KindDeployment && autoscaled(l)
}

// Restore gives back what was before. What is so already is left alone, so that it can be run any number of times. The
// items say what came of it.
func (w *Way) Restore(ctx context.Context, c kube.Client, told func(Step)) error {
	if changed := w.Changed(); len(changed) > 0 && !w.options.Force {
		return &ChangedError{changed}
	}
	for i := range w.Record.Layers {
		l := &w.Record.Layers[i]
		for j := range l.Changes {
			change := l.Changes[j]
			if w.options.keeps(l, &change) {
				change.Fields = nil
			}
			if len(change.Fields) == 0 && !change.Marked {
				continue
			}
			step, left, err := restoreOne(ctx, c, l.Layer, &change)
			told(step)
			if err != nil {
				return err
			}
			w.settle(step, left)
		}
	}
	if w.Path == "" {
		return nil
	}
	now := time.Now().UTC()
	w.Record.RestoredAt = &now
	return w.Record.Write(w.Path, c)
}

// settle has the items say what came of a step; left says that its object is not there any more.
func (w *Way) settle(step Step, left bool) {
	if left {
		w.Left = append(w.Left, step)
	}
	for i := range w.Items {
		item := &w.Items[i]
		switch {
		case item.Layer != step.Layer || item.Kind != step.Kind || item.State == BackKept:
		case left:
			item.State = BackGone
		default:
			item.State, item.Now = BackDone, item.Before
		}
	}
}

// restoreOne gives back one object's fields; left says that it is not there any more.
func restoreOne(ctx context.Context, c kube.Client, layer string, change *Change) (step Step, left bool, err error) {
	step = Step{Layer: layer, Kind: change.Kind, Name: change.Name, Did: "as before"}
	done, err := patched(ctx, c, change, nil, func(object *kube.Object, revision string) (string, error) {
		if left = object.Metadata.UID != change.UID && change.Kind != KindHPA; left {
			return "", nil
		}
		same := !slices.ContainsFunc(change.Fields, func(f Field) bool { return value(object.Raw, f.Path) != f.Before })
		marked := change.Marked && object.Metadata.Annotations[AnnotationUntil]+object.Metadata.Annotations[AnnotationRecord] != ""
		if same && !marked {
			return "", nil
		}
		return change.back(revision), nil
	})
	switch trouble := kube.TroubleOf(err); {
	case done:
		step.Did = "restored"
	case left:
		step.Did = "another object by now: left alone"
	case trouble == kube.TroubleNotFound && change.Kind == KindHPA && !change.Marked:
		step.Did, err = "gone: KEDA makes it as the ScaledObject says", nil
	case trouble == kube.TroubleNotFound, trouble == kube.TroubleNoKind:
		step.Did, left, err = "gone: left alone", true, nil
	}
	if err != nil {
		step.Error = err.Error()
	}
	return step, left, err
}

// ChangedError says what somebody changed meanwhile.
type ChangedError struct{ Items []WayItem }

func (e *ChangedError) Error() string {
	var list []string
	for _, item := range e.Items {
		list = append(list, fmt.Sprintf("%s %s is %s, neither what the emergency set nor what was before (%s)", item.Name, item.Field, item.Now, item.Before))
	}
	return "emergency: somebody changed this meanwhile: " + strings.Join(list, "; ") + ": look who, then --force gives back what was before"
}
