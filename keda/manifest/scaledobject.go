package manifest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscaling "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/2lab-ai/hal9/keda/policy"
)

// document is an object with what a reader needs to know of its fields, by path, such as "spec.triggers[0].metadata".
type document struct {
	object *keda.ScaledObject
	notes  map[string]string
}

// scaledObject returns the ScaledObject of a layer.
func scaledObject(s *Settings, l *Layer) document {
	least, most := l.bounds(s.Partitions)
	component := strings.ToLower(l.Name.String())
	d := document{object: &keda.ScaledObject{
		TypeMeta: meta.TypeMeta{APIVersion: keda.SchemeGroupVersion.String(), Kind: "ScaledObject"},
		ObjectMeta: meta.ObjectMeta{
			Name: nameOf(l), Namespace: s.Namespace,
			Labels: map[string]string{
				"app.kubernetes.io/name": "hal9", "app.kubernetes.io/part-of": "hal9", "app.kubernetes.io/component": component,
			},
		},
		Spec: keda.ScaledObjectSpec{
			ScaleTargetRef:  &keda.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: nameOf(l)},
			MinReplicaCount: new(int32(least)), MaxReplicaCount: new(int32(most)),
			Fallback: &keda.Fallback{
				FailureThreshold: 3, Replicas: int32(max(1, least)), Behavior: keda.FallbackBehaviorCurrentReplicasIfHigher,
			},
			Advanced: &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{Behavior: behavior(l.Policy.Pace)}},
		},
	}, notes: map[string]string{
		"spec.fallback": fmt.Sprintf("Without an answer three times in a row the layer keeps the replicas that it has, and has %d at least:\n"+
			"never none, since work may wait, and never the maximum, since more replicas do not bring NATS back.", max(1, least)),
		"spec.advanced": paceNote(l.Policy.Pace),
	}}
	if most < l.Policy.Max {
		d.notes["spec.maxReplicaCount"] = fmt.Sprintf("The layer has %d partitions, each with one owner: one more replica would own none.", s.Partitions)
	}
	if s.Trigger == TriggerPush {
		d.push(s, l)
	} else {
		d.stock(s, l)
	}
	if s.WithResources {
		d.resources()
	}
	if s.ScaleToZero || least == 0 {
		d.zero(s, l)
	}
	return d
}

// nameOf names a layer's Deployment and ScaledObject.
func nameOf(l *Layer) string { return "hal9-" + strings.ToLower(l.Name.String()) }

// push adds the trigger that asks HAL9's scaler.
func (d *document) push(s *Settings, l *Layer) {
	d.note("spec.triggers", "The metric is how many replicas the layer needs, with a target of 1 for each. `hal9 scaler explain "+l.Name.String()+"` says why so many.")
	// The scaler has a dead band of its own. The HPA's comes on top: up to a tenth of the replicas would be missing, the last
	// ones before the maximum always. Kubernetes before 1.35 does not know the field, drops it and keeps to its tenth.
	b := d.object.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
	b.ScaleUp.Tolerance, b.ScaleDown.Tolerance = new(resource.MustParse("0")), new(resource.MustParse("0"))
	d.notes["spec.advanced"] += "\nThe scaler has a dead band of its own: without tolerance 0 (Kubernetes 1.35) the HPA would leave a tenth away."
	d.object.Spec.Triggers = []keda.ScaleTriggers{{
		Type: "external-push", MetricType: autoscaling.AverageValueMetricType,
		Metadata: map[string]string{"scalerAddress": s.Scaler, "layer": l.Name.String()},
	}}
}

// resources adds CPU and memory as a safety net: the HPA takes the highest of what its metrics ask for.
func (d *document) resources() {
	d.note(fmt.Sprintf("spec.triggers[%d]", len(d.object.Spec.Triggers)),
		"A safety net for pods that are busy with something that no queue shows. Utilisation of the requests, which the Deployment must state.")
	for _, r := range []struct{ name, percent string }{{"cpu", "60"}, {"memory", "70"}} {
		d.object.Spec.Triggers = append(d.object.Spec.Triggers, keda.ScaleTriggers{
			Type: r.name, MetricType: autoscaling.UtilizationMetricType, Metadata: map[string]string{"value": r.percent},
		})
	}
}

// zero lets an idle layer have no replica.
func (d *document) zero(s *Settings, l *Layer) {
	spec := &d.object.Spec
	spec.MinReplicaCount, spec.CooldownPeriod = new(int32(0)), new(int32(300))
	d.note("spec.cooldownPeriod", "Seconds without work after which the last replica goes; it applies to nothing else.")
	if s.Trigger == TriggerPush && l.Policy.Min > 0 {
		d.note("spec.minReplicaCount", "The scaler has to let the layer go, too: scaling.min 0 in hal9.yaml.")
	}
	if s.Trigger == TriggerStock {
		spec.PollingInterval = new(int32(5))
		d.note("spec.pollingInterval", "Seconds until the first signal is seen: without replicas nobody else asks. From one replica on the HPA asks, every 15 s.")
	}
}

func (d *document) note(path, text string) { d.notes[path] = text }

// behavior is the pace of the HPA.
func behavior(p policy.Pace) *autoscaling.HorizontalPodAutoscalerBehavior {
	rules := func(pods int, period, window time.Duration) *autoscaling.HPAScalingRules {
		return &autoscaling.HPAScalingRules{
			StabilizationWindowSeconds: new(int32(window.Seconds())), SelectPolicy: new(autoscaling.MaxChangePolicySelect),
			Policies: []autoscaling.HPAScalingPolicy{{
				Type: autoscaling.PodsScalingPolicy, Value: int32(pods), PeriodSeconds: int32(period.Seconds()),
			}},
		}
	}
	return &autoscaling.HorizontalPodAutoscalerBehavior{
		ScaleUp: rules(p.Up, p.UpEvery, 0), ScaleDown: rules(p.Down, p.DownEvery, p.Settle),
	}
}

func paceNote(p policy.Pace) string {
	return fmt.Sprintf("At most %d pods more in %s. At most %d fewer in %s, and only once fewer were enough for %s.",
		p.Up, inWords(p.UpEvery), p.Down, inWords(p.DownEvery), inWords(p.Settle))
}

// inWords returns a time as prose has it.
func inWords(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return strconv.Itoa(int(d.Seconds())) + " s"
}
