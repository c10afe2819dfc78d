package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/internal/kube"
)

// Whether Kubernetes is looked at.
const (
	KubernetesAuto = "auto" // where kubectl reaches a cluster and HAL9 is in the namespace
	KubernetesOn   = "on"
	KubernetesOff  = "off"
)

// Bounds of what is asked of Kubernetes: its API server may be what is slow.
const (
	kubeTime     = 15 * time.Second // for all of it
	kubeAskTime  = 7 * time.Second  // for one request
	kubeAutoTime = 4 * time.Second  // for one request where nobody said that there is Kubernetes
)

// Kubernetes is what runs in the namespace.
type Kubernetes struct {
	Place     kube.Place        `json:"place"`
	Error     string            `json:"error,omitempty"` // why it can't be looked at, though it was asked for
	Workloads []WorkloadLine    `json:"workloads"`
	Nodes     []string          `json:"nodes,omitempty"` // what is wrong with them
	Killed    []string          `json:"oom_killed,omitempty"`
	Restarts  []string          `json:"restarts,omitempty"`
	Scalers   []ScalerLine      `json:"scalers,omitempty"`
	Emergency []emergencyLine   `json:"emergencies,omitempty"`
	Images    map[string]string `json:"images,omitempty"` // by workload
	Client    kube.Client       `json:"-"`
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

// errKubeTime is what ends the look at Kubernetes.
var errKubeTime = errors.New("no answer within " + kubeTime.String())

func (e *examination) lookAtKubernetes(ctx context.Context) {
	if e.opts.Kubernetes == KubernetesOff {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, kubeTime, errKubeTime)
	defer cancel()
	client := e.opts.Kube
	auto := e.opts.Kubernetes != KubernetesOn
	found := &Kubernetes{Client: client, Images: map[string]string{}}
	client.Timeout = min(client.Timeout, kubeAskTime)
	if auto {
		client.Timeout, client.Again = min(client.Timeout, kubeAutoTime), 0
	}
	err := e.readKubernetes(ctx, client, found)
	if err != nil && context.Cause(ctx) != nil { // kubectl was stopped.
		err = context.Cause(ctx)
	}
	if err == nil && auto && len(found.Workloads) == 0 {
		err = errors.New("no HAL9 in namespace " + client.Namespace + " of " + found.Place.Server)
	}
	switch {
	case err == nil:
		e.looked("Kubernetes", true, found.Place.Server+", namespace "+client.Namespace+", "+plural(len(found.Workloads), "workload"))
	case auto:
		e.looked("Kubernetes", false, command.OneLine(err))
		return
	default:
		found.Error = command.OneLine(err)
		e.looked("Kubernetes", false, found.Error)
	}
	e.note(func(f *Facts) { f.Kubernetes = found })
}

// readKubernetes fails where it can't be seen what runs. That autoscalers or nodes can't is noted: not everybody may.
func (e *examination) readKubernetes(ctx context.Context, client kube.Client, k *Kubernetes) (err error) {
	if k.Place, err = client.Place(ctx); err != nil {
		return err
	}
	var wait sync.WaitGroup
	var scene *kube.Scene
	var cluster *emergency.Cluster
	var noScene, noCluster error
	wait.Go(func() { scene, noScene = client.Scene(ctx) })
	wait.Go(func() { cluster, noCluster = emergency.Read(ctx, client) })
	wait.Go(func() {
		if nodes, err := kube.Get[kube.List[kube.Node]](ctx, client, "nodes"); err == nil { // Not everybody may.
			k.Nodes = sickNodes(nodes.Items)
		}
	})
	wait.Wait()
	if noScene != nil {
		return noScene
	}
	k.addScene(scene)
	k.readLogs(ctx, client)
	if noCluster != nil {
		why := command.OneLine(noCluster)
		if said, ok := errors.AsType[*kube.Error](noCluster); ok {
			why = said.Text // What was asked is long.
		}
		if context.Cause(ctx) != nil {
			why = command.OneLine(context.Cause(ctx))
		}
		e.looked("autoscalers and emergencies", false, why)
		return nil
	}
	k.addScalers(cluster)
	return nil
}

// readLogs reads side by side the last lines that explain what holds pods back.
func (k *Kubernetes) readLogs(ctx context.Context, client kube.Client) {
	var wait sync.WaitGroup
	defer wait.Wait()
	for i := range k.Workloads {
		holds := k.Workloads[i].Holds
		for j := range holds {
			wait.Go(func() { client.ReadLogs(ctx, holds[j:j+1]) })
		}
	}
}

// ours reports whether an object is of HAL9.
func ours(meta *kube.Meta) bool {
	return meta.Labels["app.kubernetes.io/part-of"] == "hal9" || meta.Labels["app.kubernetes.io/name"] == "hal9" || strings.HasPrefix(meta.Name, "hal9-")
}

func (k *Kubernetes) addScene(scene *kube.Scene) {
	for i := range scene.Workloads {
		w := &scene.Workloads[i]
		if !ours(&w.Metadata) {
			continue
		}
		line := WorkloadLine{Name: w.Metadata.Name, Kind: w.Kind, Wanted: w.Wanted(), Ready: w.Status.ReadyReplicas}
		if line.Ready < line.Wanted {
			_, line.Holds = scene.Of(line.Name)
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

func (k *Kubernetes) addScalers(cluster *emergency.Cluster) {
	for i := range cluster.ScaledObjects {
		s := &cluster.ScaledObjects[i].Is
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
		for j := range cluster.HPAs {
			if h := &cluster.HPAs[j].Is; h.Spec.ScaleTargetRef.Name == s.Spec.ScaleTargetRef.Name {
				line.Max, line.AtMost = h.Spec.MaxReplicas, h.Status.DesiredReplicas >= h.Spec.MaxReplicas && h.Spec.MaxReplicas > 0
			}
		}
		k.Scalers = append(k.Scalers, line)
	}
	for _, l := range emergency.Active(cluster, &k.Place).Layers {
		k.Emergency = append(k.Emergency, emergencyLine{l.Layer, l.Replicas, l.Until, l.By})
	}
}
