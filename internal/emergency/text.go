package emergency

import (
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// Advice is what helps against what holds pods back.
func Advice(h *kube.Hold, c kube.Client) string {
	pod := "POD"
	if len(h.Pods) > 0 {
		pod = h.Pods[0]
	}
	switch h.Kind {
	case kube.HoldQuota:
		return c.Command("describe", "resourcequotas")
	case kube.HoldUnschedulable:
		return "kubectl top nodes; " + c.Command("describe", "pod", pod)
	case kube.HoldOOM:
		return c.Command("set", "resources", "deployment/"+ownerOf(pod), "--limits", "memory=8Gi") + "  # restarts its pods"
	default:
		if logs := h.Logs(); len(logs) > 0 {
			return c.Command(append(logs[0], "--tail", "50")...)
		}
		return c.Command("describe", "pod", pod)
	}
}

// ownerOf returns the Deployment's name in a pod's: name-hash-hash.
func ownerOf(pod string) string {
	parts := strings.Split(pod, "-")
	return strings.Join(parts[:max(1, len(parts)-2)], "-")
}

// Row is a layer before and after, for people.
type Row struct {
	Layer    string `json:"layer"`
	Replicas string `json:"replicas"`
	Ready    int    `json:"ready"`
	KEDA     string `json:"keda"` // minimum and maximum
	HPA      string `json:"hpa"`
	Paused   string `json:"paused,omitempty"`
}

// Row writes a plan as a row.
func (p *LayerPlan) Row() Row {
	s := &p.Standing
	r := Row{Layer: s.Layer.String(), KEDA: "none", HPA: "none"}
	if s.Deployment != nil {
		r.Ready = s.Deployment.Is.Status.ReadyReplicas
		r.Replicas = p.arrow(KindDeployment, "replicas", strconv.Itoa(s.Deployment.Is.Wanted()))
	}
	if s.ScaledObject != nil {
		spec := &s.ScaledObject.Is.Spec
		r.KEDA = p.bounds(KindScaledObject, [2]string{"minReplicaCount", "maxReplicaCount"},
			[2]string{orDefault(spec.MinReplicaCount, 0), orDefault(spec.MaxReplicaCount, 100)})
		r.Paused = p.paused()
	}
	if s.HPA != nil {
		spec := &s.HPA.Is.Spec
		r.HPA = p.bounds(KindHPA, [2]string{"minReplicas", "maxReplicas"}, [2]string{orDefault(spec.MinReplicas, 1), strconv.Itoa(spec.MaxReplicas)})
	}
	return r
}

func orDefault(n *int, otherwise int) string {
	if n == nil {
		return strconv.Itoa(otherwise)
	}
	return strconv.Itoa(*n)
}

// arrow writes a value, and what it becomes where that is something else.
func (p *LayerPlan) arrow(kind Kind, name, now string) string {
	if after := p.after(kind, name, now); after != now {
		return now + " -> " + after
	}
	return now
}

// bounds writes a minimum and a maximum, and what they become where that is something else.
func (p *LayerPlan) bounds(kind Kind, names, now [2]string) string {
	before := now[0] + ".." + now[1]
	if after := p.after(kind, names[0], now[0]) + ".." + p.after(kind, names[1], now[1]); after != before {
		return before + " -> " + after
	}
	return before
}

// after returns what becomes of a value.
func (p *LayerPlan) after(kind Kind, name, now string) string {
	for i := range p.Record.Changes {
		c := &p.Record.Changes[i]
		for _, f := range c.Fields {
			if c.Kind == kind && f.Path[len(f.Path)-1] == name && f.After != Absent {
				return string(f.After)
			}
		}
	}
	return now
}

// paused says how KEDA is paused, and what becomes of that.
func (p *LayerPlan) paused() string {
	var list []string
	object := p.Standing.ScaledObject.Object.Metadata.Annotations
	for _, name := range []string{pausedReplicas, pausedAll, pausedIn, pausedOut} {
		now, ok := object[name]
		after := now
		for i := range p.Record.Changes {
			for _, f := range p.Record.Changes[i].Fields {
				if f.Path[len(f.Path)-1] == name {
					after = strings.Trim(string(f.After), `"`)
				}
			}
		}
		short := strings.TrimPrefix(name, "autoscaling.keda.sh/")
		switch {
		case !ok && after == "":
		case !ok:
			list = append(list, short+": "+after)
		case after == string(Absent):
			list = append(list, short+" "+now+" -> none")
		case after != now:
			list = append(list, short+" "+now+" -> "+after)
		default:
			list = append(list, short+" "+now)
		}
	}
	return strings.Join(list, ", ")
}

// Expired reports whether restoring is urged.
func (l *LayerRecord) Expired(now time.Time) bool { return now.After(l.Until) }
