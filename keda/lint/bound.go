package lint

import (
	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// labelMost is how long a label's value may be in Kubernetes.
const labelMost = 63

func boundRules() []rule {
	return []rule{
		{"target", lookTarget},
		{"bounds", lookBounds},
		{"idle-replicas", lookIdle},
		{"maximum-missing", lookMaximum},
		{"name-length", lookName},
		{"polling-interval", lookPolling},
		{"cooldown", lookCooldown},
	}
}

func lookTarget(c *check) {
	if c.so.Spec.ScaleTargetRef == nil || c.so.Spec.ScaleTargetRef.Name == "" {
		c.report(SeverityError, "spec.scaleTargetRef", advice{
			"KEDA needs the name of what it is to scale; the API server refuses the object without it.",
			"Write scaleTargetRef: {name: …}.",
		}, "scaleTargetRef names nothing")
	}
	if len(c.so.Spec.Triggers) == 0 {
		c.report(SeverityError, "spec.triggers", advice{
			"Without a trigger nothing scales; the API server refuses the object.", "Add a trigger.",
		}, "no triggers")
	}
}

// least is minReplicaCount with its default, as KEDA has it.
func least(so *keda.ScaledObject) int32 {
	if so.Spec.MinReplicaCount != nil {
		return *so.Spec.MinReplicaCount
	}
	return 0
}

func lookBounds(c *check) {
	spec := &c.so.Spec
	if low, high := least(c.so), c.so.GetHPAMaxReplicas(); low > high {
		why := "KEDA's CRD and its admission webhook refuse a minimum above the maximum."
		if spec.MaxReplicaCount == nil {
			why += " The maximum is KEDA's default, 100."
		}
		c.report(SeverityError, "spec.minReplicaCount", advice{why, "Raise maxReplicaCount or lower minReplicaCount."},
			"minReplicaCount %d is above maxReplicaCount %d", low, high)
	}
	for _, field := range []struct {
		path  string
		value *int32
		from  int32
	}{
		{"minReplicaCount", spec.MinReplicaCount, 0},
		{"maxReplicaCount", spec.MaxReplicaCount, 1},
		{"idleReplicaCount", spec.IdleReplicaCount, 0},
		{"pollingInterval", spec.PollingInterval, 1},
		{"cooldownPeriod", spec.CooldownPeriod, 0},
	} {
		if field.value != nil && *field.value < field.from {
			c.report(SeverityError, "spec."+field.path, advice{"The API server refuses it.", "Choose a higher number."},
				"%s %d is below %d", field.path, *field.value, field.from)
		}
	}
}

func lookIdle(c *check) {
	idle := c.so.Spec.IdleReplicaCount
	switch {
	case idle == nil:
	case *idle != 0:
		c.report(SeverityError, "spec.idleReplicaCount", advice{
			"KEDA supports 0 alone: with other numbers its scale loop and the HPA, whose minimum is minReplicaCount, undo each other's work.",
			"Write idleReplicaCount: 0, or take it out and let minReplicaCount be the idle count.",
		}, "idleReplicaCount is %d", *idle)
	case least(c.so) == 0:
		c.report(SeverityError, "spec.idleReplicaCount", advice{
			"KEDA refuses an idle count that is not below the minimum.",
			"Take idleReplicaCount out (with minReplicaCount 0 the workload goes to 0 by itself), or raise minReplicaCount.",
		}, "idleReplicaCount 0 is not below minReplicaCount 0")
	}
}

func lookMaximum(c *check) {
	if c.so.Spec.MaxReplicaCount == nil {
		c.report(SeverityWarning, "spec", advice{
			"KEDA's default is 100 replicas: one wrong reading of a metric asks for that many.",
			"Write maxReplicaCount: what your quota, your broker and whatever is behind the workload can bear.",
		}, "no maxReplicaCount")
	}
}

func lookName(c *check) {
	do := "Shorten the name; for the HPA's alone, set advanced.horizontalPodAutoscalerConfig.name."
	if len(c.so.Name) > labelMost {
		c.report(SeverityError, "metadata.name", advice{"KEDA uses the name as the value of a label, which has at most 63 characters, and refuses longer ones.", do},
			"the name has %d characters", len(c.so.Name))
		return
	}
	hpa := "keda-hpa-" + c.so.Name
	if a := c.so.Spec.Advanced; a != nil && a.HorizontalPodAutoscalerConfig != nil && a.HorizontalPodAutoscalerConfig.Name != "" {
		hpa = a.HorizontalPodAutoscalerConfig.Name
	}
	if len(hpa) > labelMost {
		c.report(SeverityError, "metadata.name", advice{"KEDA refuses HPA names of more than 63 characters.", do}, "the HPA's name %s has %d characters", hpa, len(hpa))
	}
}

func lookPolling(c *check) {
	if c.so.Spec.PollingInterval != nil && c.so.UsesHPAObservations() {
		c.report(SeverityNote, "spec.pollingInterval", advice{
			"From one replica on it is the HPA that asks for the metric, every 15 s. pollingInterval is for the way between 0 and 1 (minReplicaCount 0 or" +
				" idleReplicaCount) and for triggers with useCachedMetrics, and there is none of them here.",
			"Take it out, so that nobody turns it down during an incident and waits. To ask the broker less often, set useCachedMetrics: true on the trigger.",
		}, "pollingInterval %d does not change how fast this scales", *c.so.Spec.PollingInterval)
	}
}

func lookCooldown(c *check) {
	if c.so.Spec.CooldownPeriod != nil && least(c.so) > 0 && c.so.Spec.IdleReplicaCount == nil {
		c.report(SeverityNote, "spec.cooldownPeriod", advice{
			"It is how long KEDA waits before the last replica goes. With minReplicaCount above 0 it never does; how fast replicas go down to the minimum is the HPA's behavior.",
			"Take it out, and set advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds.",
		}, "cooldownPeriod %d does nothing with minReplicaCount %d", *c.so.Spec.CooldownPeriod, least(c.so))
	}
}
