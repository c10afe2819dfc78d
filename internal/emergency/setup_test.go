package emergency

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

var now = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

// recorded reads what kubectl answered: hal9-l2 with ScaledObject and KEDA's HPA, hal9-l1 alone.
func recorded(t *testing.T) *Cluster {
	t.Helper()
	c := &Cluster{KEDA: true}
	for _, object := range objects(t, "testdata/cluster.json") {
		if err := c.add(&object); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func objects(t *testing.T, path string) []kube.Object {
	t.Helper()
	data, err := os.ReadFile(path)
	var list kube.List[kube.Object]
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// with changes an object of the cluster as somebody does with kubectl patch.
func (c *Cluster) with(t *testing.T, kind Kind, name string, path []string, v Value) {
	t.Helper()
	object := c.object(&Change{Kind: kind, Name: name, UID: c.uid(kind, name)})
	if object == nil {
		t.Fatalf("no %s %s", kind, name)
	}
	var fields map[string]any
	if err := json.Unmarshal(object.Raw, &fields); err != nil {
		t.Fatal(err)
	}
	at := fields
	for _, step := range path[:len(path)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	if v == Absent {
		delete(at, path[len(path)-1])
	} else {
		at[path[len(path)-1]] = json.RawMessage(v)
	}
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	c.replace(t, kind, name, data)
}

func (c *Cluster) uid(kind Kind, name string) string {
	for _, o := range c.all() {
		if o.Metadata.Name == name && kinds[o.Kind] == kind {
			return o.Metadata.UID
		}
	}
	return ""
}

var kinds = map[string]Kind{"Deployment": KindDeployment, "HorizontalPodAutoscaler": KindHPA, "ScaledObject": KindScaledObject}

func (c *Cluster) all() (list []kube.Object) {
	for _, i := range c.Deployments {
		list = append(list, i.Object)
	}
	for _, i := range c.HPAs {
		list = append(list, i.Object)
	}
	for _, i := range c.ScaledObjects {
		list = append(list, i.Object)
	}
	return list
}

// replace puts an object in the place of the one of its name; nil takes it away.
func (c *Cluster) replace(t *testing.T, kind Kind, name string, data []byte) {
	t.Helper()
	old := c.all()
	c.Deployments, c.HPAs, c.ScaledObjects = nil, nil, nil
	for _, object := range old {
		if object.Metadata.Name == name && kinds[object.Kind] == kind {
			if data == nil {
				continue
			}
			object = kube.Object{}
			if err := json.Unmarshal(data, &object); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.add(&object); err != nil {
			t.Fatal(err)
		}
	}
}

// do applies a plan to the cluster as the API server does, and with it the annotations.
func (c *Cluster) do(t *testing.T, p *LayerPlan) {
	t.Helper()
	note, err := json.Marshal(&p.Record)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range p.Record.Changes {
		for _, f := range change.Fields {
			c.with(t, change.Kind, change.Name, f.Path, f.After)
		}
		if change.Marked {
			c.with(t, change.Kind, change.Name, annotation(AnnotationRecord), text(string(note)))
		}
	}
}

func wanting(replicas int) Options {
	o := DefaultOptions()
	o.Layers, o.Replicas, o.By = []layers.Name{layers.NameL2}, replicas, "dave@discovery"
	return o
}

// stage is a cluster of one test.
type stage struct {
	*Cluster

	t *testing.T
}

func (s stage) set(kind Kind, name string, path []string, v Value) {
	s.t.Helper()
	s.with(s.t, kind, name, path, v)
}

func (s stage) drop(kind Kind, name string) {
	s.t.Helper()
	s.replace(s.t, kind, name, nil)
}
