package lint

import (
	"strconv"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscaling "k8s.io/api/autoscaling/v2"
)

func itoa(i int) string { return strconv.Itoa(i) }

func triggerRules() []rule {
	return []rule{
		{"trigger", lookTriggers},
		{"metadata", lookMetadata},
		{"metric-type", lookMetricType},
		{"push-missing", lookPush},
		{"resources-only", lookResourcesOnly},
	}
}

// each calls look with each trigger and its path.
func (c *check) each(look func(t *keda.ScaleTriggers, path string)) {
	for i := range c.so.Spec.Triggers {
		look(&c.so.Spec.Triggers[i], "spec.triggers["+itoa(i)+"]")
	}
}

func lookTriggers(c *check) {
	if len(c.so.Spec.Triggers) == 0 {
		return
	}
	if err := keda.ValidateTriggers(c.so.Spec.Triggers); err != nil {
		c.report(SeverityError, "spec.triggers", advice{"KEDA's webhook refuses it.", "Give each trigger a name of its own, and useCachedMetrics to external metrics only."}, "%v", err)
	}
}

// needed are the metadata that KEDA wants of triggers, and whether a TriggerAuthentication may bring them instead.
func needed(kind string) map[string]bool {
	switch kind {
	case "nats-jetstream":
		return map[string]bool{"natsServerMonitoringEndpoint": true, "stream": false, "consumer": false}
	case "prometheus":
		return map[string]bool{"serverAddress": false, "query": false, "threshold": false}
	case "external", "external-push":
		return map[string]bool{"scalerAddress": false}
	case "cpu", "memory":
		return map[string]bool{"value": false}
	case "kubernetes-workload":
		return map[string]bool{"podSelector": false, "value": false}
	}
	return nil
}

func lookMetadata(c *check) {
	c.each(func(t *keda.ScaleTriggers, path string) {
		for key, elsewhere := range needed(t.Type) {
			if t.Metadata[key] == "" && (t.AuthenticationRef == nil || !elsewhere) {
				c.report(SeverityError, path+".metadata", advice{
					"KEDA cannot make the scaler without it: the ScaledObject stays not ready and nothing scales.", "Write metadata." + key + ".",
				}, "%s trigger without %s", t.Type, key)
			}
		}
	})
}

// lagTypes are triggers whose value is work that all replicas share.
func isLag(t *keda.ScaleTriggers) bool {
	switch t.Type {
	case "nats-jetstream", "kafka", "apache-kafka", "rabbitmq", "aws-sqs-queue", "azure-servicebus", "redis-streams", "redis", "pulsar":
		return true
	}
	return false
}

func lookMetricType(c *check) {
	if c.so.IsUsingModifiers() {
		return // One type for all, in the modifiers.
	}
	c.each(func(t *keda.ScaleTriggers, path string) {
		switch {
		case isResource(t) && t.MetricType == autoscaling.ValueMetricType:
			c.report(SeverityError, path+".metricType", advice{"CPU and memory have no such type; KEDA refuses it.", "Write Utilization or AverageValue."},
				"%s trigger of type Value", t.Type)
		case t.Type == "external-push" && t.Metadata["layer"] != "" && t.MetricType == autoscaling.ValueMetricType:
			c.report(SeverityError, path+".metricType", advice{
				"HAL9's scaler answers how many replicas are needed. With Value the HPA multiplies that with how many there are: 5 that need 10 become 50.",
				"Write metricType: AverageValue, or leave it out.",
			}, "HAL9's scaler with metricType Value")
		case isLag(t) && t.MetricType == autoscaling.ValueMetricType:
			c.report(SeverityWarning, path+".metricType", advice{
				"With Value, replicas become replicas × lag ÷ threshold: while a backlog stands still they multiply every 15 s, up to the maximum. A lag is shared" +
					" by all replicas, which is what AverageValue is for: lag ÷ threshold.",
				"Write metricType: AverageValue, or leave it out.",
			}, "lag with metricType Value")
		case looksLikeLatency(t) && t.MetricType != autoscaling.ValueMetricType:
			c.report(SeverityWarning, path, advice{
				"AverageValue, KEDA's default, makes it latency ÷ threshold replicas, however many there are: a p95 of twice its objective asks for 2 replicas, also" +
					" where 20 are too few. A latency is the same however many share it.",
				"Write metricType: Value: replicas × latency ÷ objective.",
			}, "latency with metricType AverageValue")
		}
	})
}

func lookPush(c *check) {
	c.each(func(t *keda.ScaleTriggers, path string) {
		if t.Type == "external" && least(c.so) == 0 {
			c.report(SeverityWarning, path+".type", advice{
				"A scaler of type external is asked every pollingInterval (30 s unless set): the first signal waits that long for the first replica.",
				"Write type: external-push where the scaler can push (HAL9's can), or lower pollingInterval.",
			}, "external trigger with minReplicaCount 0 waits for a poll")
		}
	})
}

func lookResourcesOnly(c *check) {
	n := len(c.so.Spec.Triggers)
	if n == 0 || resources(c.so) != n {
		return
	}
	if least(c.so) == 0 {
		c.report(SeverityError, "spec.minReplicaCount", advice{
			"Without pods there is neither CPU nor memory to measure: it would never start again. KEDA's webhook refuses it.",
			"Write minReplicaCount: 1 or more, or add a trigger on what waits.",
		}, "cpu and memory triggers alone with minReplicaCount 0")
	}
	c.report(SeverityWarning, "spec.triggers", advice{
		"A worker that reads a queue is as busy with a backlog of ten as with one of ten million, and idle while it waits for something slow. CPU tells how busy" +
			" the replicas are, not how much waits.",
		"Scale on what waits (lag, age of the oldest), and keep cpu and memory beside it as a safety net.",
	}, "scales on CPU and memory alone")
}
