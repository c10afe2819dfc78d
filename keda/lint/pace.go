package lint

import (
	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscaling "k8s.io/api/autoscaling/v2"
)

const pathBehavior = "spec.advanced.horizontalPodAutoscalerConfig.behavior"

func paceRules() []rule {
	return []rule{
		{"stabilisation", lookStabilisation},
		{"disabled", lookDisabled},
		{"policies", lookPolicies},
		{"restore-replicas", lookRestore},
		{"paused", lookPaused},
	}
}

// behaviorOf returns the HPA's behaviour, or nil.
func behaviorOf(so *keda.ScaledObject) *autoscaling.HorizontalPodAutoscalerBehavior {
	if so.Spec.Advanced == nil || so.Spec.Advanced.HorizontalPodAutoscalerConfig == nil {
		return nil
	}
	return so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
}

func lookStabilisation(c *check) {
	b := behaviorOf(c.so)
	switch {
	case b == nil || b.ScaleDown == nil:
		c.report(SeverityWarning, "spec.advanced", advice{
			"Kubernetes' default waits 5 min and then lets all that are too many go within 15 s. Layers that own partitions then move most of them at once.",
			"Set behavior.scaleDown: {stabilizationWindowSeconds: 300, policies: [{type: Pods, value: 2, periodSeconds: 120}]}.",
		}, "no behaviour for scaling down")
	case b.ScaleDown.StabilizationWindowSeconds == nil:
		c.report(SeverityNote, pathBehavior+".scaleDown", advice{
			"It is then what the cluster's controller manager was started with, 5 min unless somebody changed it.",
			"Write stabilizationWindowSeconds.",
		}, "scaleDown has no stabilizationWindowSeconds")
	case *b.ScaleDown.StabilizationWindowSeconds == 0:
		c.report(SeverityWarning, pathBehavior+".scaleDown.stabilizationWindowSeconds", advice{
			"Each dip of a lag, which jumps with every batch, takes pods away that are wanted again a moment later.",
			"Write 60 or more; 300 is Kubernetes' default.",
		}, "scaling down without a stabilisation window")
	}
}

func lookDisabled(c *check) {
	b := behaviorOf(c.so)
	if b == nil {
		return
	}
	is := func(rules *autoscaling.HPAScalingRules) bool {
		return rules != nil && rules.SelectPolicy != nil && *rules.SelectPolicy == autoscaling.DisabledPolicySelect
	}
	if is(b.ScaleDown) {
		c.report(SeverityWarning, pathBehavior+".scaleDown.selectPolicy", advice{
			"Replicas only ever become more: after the first peak the workload stays as large until somebody scales it by hand.",
			"Take selectPolicy out. For an emergency the annotation autoscaling.keda.sh/paused-scale-in does the same, and shows in kubectl get scaledobject.",
		}, "scaling down is disabled")
	}
	if is(b.ScaleUp) {
		c.report(SeverityWarning, pathBehavior+".scaleUp.selectPolicy", advice{
			"No load brings more replicas.", "Take selectPolicy out; to hold a workload back use the annotation autoscaling.keda.sh/paused-scale-out.",
		}, "scaling up is disabled")
	}
}

func lookPolicies(c *check) {
	b := behaviorOf(c.so)
	if b == nil {
		return
	}
	for _, side := range []struct {
		name  string
		rules *autoscaling.HPAScalingRules
	}{{"scaleUp", b.ScaleUp}, {"scaleDown", b.ScaleDown}} {
		if side.rules == nil {
			continue
		}
		for i, p := range side.rules.Policies {
			if p.Value <= 0 || p.PeriodSeconds <= 0 || p.PeriodSeconds > 1800 || p.Type != autoscaling.PodsScalingPolicy && p.Type != autoscaling.PercentScalingPolicy {
				c.report(SeverityError, pathBehavior+"."+side.name+".policies["+itoa(i)+"]", advice{
					"The HPA that KEDA makes of it is refused: nothing scales, and only the operator's log says so.",
					"Write type: Pods or Percent, value above 0 and periodSeconds of 1 to 1800.",
				}, "%s policy of type %q, value %d, periodSeconds %d", side.name, p.Type, p.Value, p.PeriodSeconds)
			}
		}
		if w := side.rules.StabilizationWindowSeconds; w != nil && (*w < 0 || *w > 3600) {
			c.report(SeverityError, pathBehavior+"."+side.name+".stabilizationWindowSeconds", advice{
				"The HPA that KEDA makes of it is refused: nothing scales.", "Write 0 to 3600.",
			}, "stabilizationWindowSeconds %d", *w)
		}
	}
}

func lookRestore(c *check) {
	if c.so.Spec.Advanced != nil && c.so.Spec.Advanced.RestoreToOriginalReplicaCount {
		c.report(SeverityWarning, "spec.advanced.restoreToOriginalReplicaCount", advice{
			"Whoever deletes the ScaledObject, such as to scale by hand in an emergency, sets the workload back to what it had on the day the" +
				" ScaledObject was made, often 0 or 1: the pods go in the middle of the backlog.",
			"Take it out: without it a deleted ScaledObject leaves the replicas as they are.",
		}, "deleting this ScaledObject takes replicas away")
	}
}

func lookPaused(c *check) {
	for name, what := range map[string]string{
		keda.PausedAnnotation: "scaling is paused", keda.PausedReplicasAnnotation: "scaling is paused at a fixed number of replicas",
		keda.PausedScaleInAnnotation: "scaling down is paused", keda.PausedScaleOutAnnotation: "scaling up is paused",
		keda.ForceActivationAnnotation: "the workload never goes to 0",
	} {
		value, ok := c.so.Annotations[name]
		if !ok || value == "false" {
			continue
		}
		c.report(SeverityWarning, "metadata.annotations."+name, advice{
			"Annotations like this are for incidents; in a file they come back with each apply. KEDA takes any value that is no boolean for true.",
			"Take it out of the file, and set it on the cluster with kubectl annotate where it is needed.",
		}, "%s: annotation %s is %q", what, name, value)
	}
}
