package emergency

import (
	"fmt"
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
		return c.Command("set", "resources", "deployment/"+ownerOf(pod), "--limits", "memory=8Gi") + "   (restarts its pods)"
	case kube.HoldCrash, kube.HoldProbe:
		return c.Command("logs", pod, "--previous", "--tail", "50")
	default:
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
		r.Replicas = p.arrow(KindDeployment, "replicas", fmt.Sprint(s.Deployment.Is.Wanted()))
	}
	if s.ScaledObject != nil {
		spec := &s.ScaledObject.Is.Spec
		r.KEDA = p.arrow(KindScaledObject, "minReplicaCount", orDefault(spec.MinReplicaCount, 0)) + " .. " +
			p.arrow(KindScaledObject, "maxReplicaCount", orDefault(spec.MaxReplicaCount, 100))
		r.Paused = p.paused()
	}
	if s.HPA != nil {
		r.HPA = p.arrow(KindHPA, "minReplicas", orDefault(s.HPA.Is.Spec.MinReplicas, 1)) + " .. " +
			p.arrow(KindHPA, "maxReplicas", fmt.Sprint(s.HPA.Is.Spec.MaxReplicas))
	}
	return r
}

func orDefault(n *int, otherwise int) string {
	if n == nil {
		return fmt.Sprint(otherwise)
	}
	return fmt.Sprint(*n)
}

// arrow writes a value, and what it becomes where that is something else.
func (p *LayerPlan) arrow(kind Kind, name, now string) string {
	for i := range p.Record.Changes {
		c := &p.Record.Changes[i]
		for _, f := range c.Fields {
			if c.Kind == kind && f.Path[len(f.Path)-1] == name && string(f.After) != now {
				return now + " -> " + string(f.After)
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
