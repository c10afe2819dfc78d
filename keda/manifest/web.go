package manifest

import (
	"strconv"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscaling "k8s.io/api/autoscaling/v2"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/2lab-ai/hal9/keda/policy"
)

// Bounds of hal9-web, where connections scale it.
const (
	webLeast = 2
	webMost  = 10
)

// webObject returns the ScaledObject of the page and the HTTP door, whose load is the connections that senders and readers hold. A layer has no
// such trigger: it holds as many to NATS whatever it does.
func webObject(s *Settings) document {
	pace := policy.DefaultConfig().Pace
	return document{object: &keda.ScaledObject{
		TypeMeta: meta.TypeMeta{APIVersion: keda.SchemeGroupVersion.String(), Kind: "ScaledObject"},
		ObjectMeta: meta.ObjectMeta{
			Name: "hal9-web", Namespace: s.Namespace,
			Labels: map[string]string{
				"app.kubernetes.io/name": "hal9", "app.kubernetes.io/part-of": "hal9", "app.kubernetes.io/component": "web",
			},
		},
		Spec: keda.ScaledObjectSpec{
			ScaleTargetRef:  &keda.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: "hal9-web"},
			MinReplicaCount: new(int32(webLeast)), MaxReplicaCount: new(int32(webMost)),
			Triggers: []keda.ScaleTriggers{{
				Type: "prometheus", Name: "connections", MetricType: autoscaling.AverageValueMetricType,
				Metadata: map[string]string{
					"serverAddress": s.Prometheus, "query": "sum(hal9_http_connections)", "threshold": strconv.Itoa(s.Connections), "ignoreNullValues": "false",
				},
			}},
			Fallback: &keda.Fallback{FailureThreshold: 3, Replicas: webLeast, Behavior: keda.FallbackBehaviorCurrentReplicasIfHigher},
			Advanced: &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{Behavior: behavior(pace)}},
		},
	}, notes: map[string]string{
		"spec.triggers": "Open connections of senders and readers, the threshold for each replica. Where no pod is scraped that is an error, and the fallback holds.",
		"spec.fallback": "Without an answer three times in a row the replicas stay, and are " + strconv.Itoa(webLeast) + " at least.",
		"spec.advanced": paceNote(pace),
	}}
}
