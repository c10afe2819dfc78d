package lint

import (
	"strconv"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

func fallbackRules() []rule {
	return []rule{
		{"fallback-missing", lookFallbackMissing},
		{"fallback-target", lookFallbackTarget},
		{"fallback-resources", lookFallbackResources},
		{"fallback-replicas", lookFallbackReplicas},
	}
}

func isResource(t *keda.ScaleTriggers) bool { return t.Type == "cpu" || t.Type == "memory" }

// resources counts the triggers on CPU and memory.
func resources(so *keda.ScaledObject) (n int) {
	for i := range so.Spec.Triggers {
		if isResource(&so.Spec.Triggers[i]) {
			n++
		}
	}
	return n
}

func lookFallbackMissing(c *check) {
	if c.so.Spec.Fallback != nil || resources(c.so) == len(c.so.Spec.Triggers) {
		return
	}
	c.report(SeverityWarning, "spec", advice{
		"While the metric cannot be had (broker, scaler or Prometheus gone) the HPA does not scale at all, and a workload at 0 stays there.",
		"Add fallback: {failureThreshold: 3, replicas: …, behavior: currentReplicasIfHigher}: it keeps what runs, and that many at least.",
	}, "no fallback")
}

func lookFallbackTarget(c *check) {
	if c.so.Spec.Fallback == nil || !c.so.IsUsingModifiers() {
		return
	}
	target := c.so.Spec.Advanced.ScalingModifiers.Target
	n, err := strconv.ParseInt(target, 10, 64)
	if target == "" || err == nil && n > 0 {
		return
	}
	c.report(SeverityError, "spec.advanced.scalingModifiers.target", advice{
		"KEDA reads the target as a whole number before it falls back (pkg/fallback, HasValidFallback); any other one turns the fallback off," +
			" and all that says so is a line in the operator's log when it would be needed.",
		"Write a whole number above 0, such as \"1\", and put the rest into the formula: divide by " + target + " there.",
	}, "target %q turns the fallback off", target)
}

func lookFallbackResources(c *check) {
	n := resources(c.so)
	switch {
	case c.so.Spec.Fallback == nil || n == 0:
	case n == len(c.so.Spec.Triggers) && !c.so.IsUsingModifiers():
		c.report(SeverityError, "spec.fallback", advice{
			"KEDA falls back for external metrics alone; its webhook refuses a fallback where all triggers are cpu or memory.",
			"Take the fallback out, or scale on what waits.",
		}, "fallback with cpu and memory triggers alone")
	default:
		c.report(SeverityNote, "spec.fallback", advice{
			"The HPA gets CPU and memory from metrics-server itself, past KEDA. Where that is gone, the fallback does nothing for them, and the HPA does not scale down meanwhile.",
			"Nothing, if that is meant.",
		}, "the fallback does not cover the cpu and memory triggers")
	}
}

func lookFallbackReplicas(c *check) {
	f := c.so.Spec.Fallback
	if f == nil {
		return
	}
	if f.FailureThreshold < 0 || f.Replicas < 0 {
		c.report(SeverityError, "spec.fallback", advice{"The API server refuses it.", "Write 0 or more."}, "failureThreshold %d, replicas %d", f.FailureThreshold, f.Replicas)
		return
	}
	most := c.so.GetHPAMaxReplicas()
	switch {
	case f.Replicas == 0 && f.Behavior != keda.FallbackBehaviorScalingModifiers && f.Behavior != keda.FallbackBehaviorCurrentReplicas:
		c.report(SeverityWarning, "spec.fallback.replicas", advice{
			"While nobody knows how much waits, the workload is scaled as if nothing did.",
			"Write 1 or more, and behavior: currentReplicasIfHigher.",
		}, "fallback to 0 replicas")
	case f.Replicas > most:
		c.report(SeverityWarning, "spec.fallback.replicas", advice{"The HPA stops at maxReplicaCount.", "Lower it."},
			"fallback to %d replicas is above maxReplicaCount %d", f.Replicas, most)
	case f.Replicas == most && most > max(1, least(c.so)):
		c.report(SeverityWarning, "spec.fallback.replicas", advice{
			"Each time the broker or the scaler is gone for a minute, all replicas come, and connect to what is just starting again.",
			"Choose what a usual day needs, and behavior: currentReplicasIfHigher.",
		}, "fallback to the maximum of %d replicas", most)
	}
	if f.Behavior == "" || f.Behavior == keda.FallbackBehaviorStatic {
		if f.Replicas > 0 && f.Replicas < most {
			c.report(SeverityNote, "spec.fallback", advice{
				"behavior static (the default) sets that number even while more replicas are busy with a backlog: an outage of the metric then takes pods away.",
				"Write behavior: currentReplicasIfHigher.",
			}, "fallback takes the workload down to %d replicas, however many work", f.Replicas)
		}
	}
}
