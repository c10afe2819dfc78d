package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/internal/kube"
)

// Whether Kubernetes is looked at.
const (
	KubernetesAuto = "auto" // where kubectl reaches a cluster and HAL9 is in the namespace
	KubernetesOn   = "on"
	KubernetesOff  = "off"
)

// Kubernetes is what runs in the namespace.
type Kubernetes struct {
	Place     kube.Place         `json:"place"`
	Error     string             `json:"error,omitempty"` // why it can't be looked at, though it was asked for
	Workloads []WorkloadLine     `json:"workloads"`
	Nodes     []string           `json:"nodes,omitempty"` // what is wrong with them
	Killed    []string           `json:"oom_killed,omitempty"`
	Restarts  []string           `json:"restarts,omitempty"`
	Scalers   []ScalerLine       `json:"scalers,omitempty"`
	Emergency []emergencyLine    `json:"emergencies,omitempty"`
	Images    map[string]string  `json:"images,omitempty"` // by workload
	Client    kube.Client        `json:"-"`
	Cluster   *emergency.Cluster `json:"-"`
}

// WorkloadLine is how a Deployment or StatefulSet stands.
type WorkloadLine struct {
	Name   string      `json:"name"`
	Kind   string      `json:"kind"`
	Wanted int         `json:"wanted"`
	Ready  int         `json:"ready"`
	Holds  []kube.Hold `json:"holds,omitempty"`
}

// ScalerLine is how a ScaledObject and its HPA stand.
type ScalerLine struct {
	Name     string `json:"name"`
	Ready    string `json:"ready"` // True, False or Unknown, with the reason
	Fallback bool   `json:"fallback"`
	Paused   string `json:"paused,omitempty"` // by which annotation
	AtMost   bool   `json:"at_most"`          // the HPA wants no fewer than it may have
	Max      int    `json:"max"`
}

type emergencyLine struct {
	Layer    string    `json:"layer"`
	Replicas int       `json:"replicas"`
	Until    time.Time `json:"until"`
	By       string    `json:"by"`
}

func (e *examination) lookAtKubernetes(ctx context.Context) {
	if e.opts.Kubernetes == KubernetesOff {
		return
	}
	client := e.opts.Kube
	auto := e.opts.Kubernetes != KubernetesOn
	if auto {
		client.Timeout, client.Again = min(client.Timeout, 4*time.Second), 0
	}
	found := &Kubernetes{Client: client, Images: map[string]string{}}
	err := found.read(ctx)
	if err == nil && auto && len(found.Workloads) == 0 {
		err = errors.New("no HAL9 in namespace " + client.Namespace + " of " + found.Place.Server)
	}
	switch {
	case err == nil:
		e.looked("Kubernetes", true, found.Place.Server+", namespace "+client.Namespace+", "+plural(len(found.Workloads), "workload"))
	case auto:
		e.looked("Kubernetes", false, plain(err))
		return
	default:
		found.Error = plain(err)
		e.looked("Kubernetes", false, found.Error)
	}
	e.note(func(f *Facts) { f.Kubernetes = found })
}

func (k *Kubernetes) read(ctx context.Context) (err error) {
	if k.Place, err = k.Client.Place(ctx); err != nil {
		return err
	}
	var wait sync.WaitGroup
	var scene *kube.Scene
	var errs [2]error
	wait.Go(func() { scene, errs[0] = k.Client.Scene(ctx) })
	wait.Go(func() { k.Cluster, errs[1] = emergency.Read(ctx, k.Client) })
	wait.Go(func() {
		if nodes, err := kube.Get[kube.List[kube.Node]](ctx, k.Client, "nodes"); err == nil { // Not everybody may.
			k.Nodes = sickNodes(nodes.Items)
		}
	})
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	k.addScene(ctx, scene)
	k.addScalers()
	return nil
}

// ours reports whether an object is of HAL9.
func ours(meta *kube.Meta) bool {
	return meta.Labels["app.kubernetes.io/part-of"] == "hal9" || meta.Labels["app.kubernetes.io/name"] == "hal9" || strings.HasPrefix(meta.Name, "hal9-")
}

func (k *Kubernetes) addScene(ctx context.Context, scene *kube.Scene) {
	for i := range scene.Workloads {
		w := &scene.Workloads[i]
		if !ours(&w.Metadata) {
			continue
		}
		line := WorkloadLine{Name: w.Metadata.Name, Kind: w.Kind, Wanted: w.Wanted(), Ready: w.Status.ReadyReplicas}
		if line.Ready < line.Wanted {
			_, line.Holds = scene.Of(line.Name)
			k.Client.ReadLogs(ctx, line.Holds)
		}
		k.Workloads = append(k.Workloads, line)
		for _, c := range w.Spec.Template.Spec.Containers {
			if c.Name == "hal9" {
				k.Images[line.Name] = c.Image
			}
		}
	}
	for i := range scene.Pods {
		if p := &scene.Pods[i]; ours(&p.Metadata) {
			k.addPod(p)
		}
	}
	slices.Sort(k.Killed)
	slices.Sort(k.Restarts)
}

// restartsMost is how often a container may have restarted without that being of interest.
const restartsMost = 3

func (k *Kubernetes) addPod(p *kube.Pod) {
	for _, c := range p.Status.Containers {
		last := c.LastState.Terminated
		if now := c.State.Terminated; now != nil {
			last = now
		}
		if last == nil || time.Since(last.FinishedAt) > killsSince {
			continue
		}
		when := age(time.Since(last.FinishedAt)) + " ago"
		switch {
		case last.Reason == "OOMKilled":
			k.Killed = append(k.Killed, p.Metadata.Name+": OOMKilled "+when+", "+plural(c.RestartCount, "restart"))
		case c.RestartCount >= restartsMost:
			k.Restarts = append(k.Restarts, p.Metadata.Name+": "+plural(c.RestartCount, "restart")+", the last "+when+" with exit code "+number(last.ExitCode))
		}
	}
}

func sickNodes(nodes []kube.Node) (list []string) {
	for i := range nodes {
		n := &nodes[i]
		if ready := kube.ConditionOf(n.Status.Conditions, "Ready"); ready.Status != "True" {
			list = append(list, n.Metadata.Name+" is not ready: "+ready.Message)
			continue
		}
		for _, pressure := range []string{"MemoryPressure", "DiskPressure", "PIDPressure"} {
			if c := kube.ConditionOf(n.Status.Conditions, pressure); c.Status == "True" {
				list = append(list, n.Metadata.Name+" has "+pressure+": "+c.Message)
			}
		}
	}
	return list
}

// natsDown reports whether NATS runs in the namespace and none of its pods is ready.
func (k *Kubernetes) natsDown() bool {
	return slices.ContainsFunc(k.Workloads, func(w WorkloadLine) bool { return w.Name == "hal9-nats" && w.Ready == 0 })
}

func (k *Kubernetes) addScalers() {
	for i := range k.Cluster.ScaledObjects {
		s := &k.Cluster.ScaledObjects[i].Is
		if !ours(&s.Metadata) {
			continue
		}
		ready := kube.ConditionOf(s.Status.Conditions, "Ready")
		line := ScalerLine{
			Name: s.Metadata.Name, Ready: strings.TrimSpace(ready.Status + " " + ready.Message),
			Fallback: kube.ConditionOf(s.Status.Conditions, "Fallback").Status == "True",
		}
		for name, value := range s.Metadata.Annotations {
			if short, ok := strings.CutPrefix(name, "autoscaling.keda.sh/paused"); ok && value != "false" {
				line.Paused = "paused" + short + ": " + value
			}
		}
		for j := range k.Cluster.HPAs {
			if h := &k.Cluster.HPAs[j].Is; h.Spec.ScaleTargetRef.Name == s.Spec.ScaleTargetRef.Name {
				line.Max, line.AtMost = h.Spec.MaxReplicas, h.Status.DesiredReplicas >= h.Spec.MaxReplicas && h.Spec.MaxReplicas > 0
			}
		}
		k.Scalers = append(k.Scalers, line)
	}
	for _, l := range emergency.Active(k.Cluster, &k.Place).Layers {
		k.Emergency = append(k.Emergency, emergencyLine{l.Layer, l.Replicas, l.Until, l.By})
	}
}
