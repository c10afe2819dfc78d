package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

func matches(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(set))
}

// checkSelectors covers what would let one workload adopt, count or serve the pods of another.
func checkSelectors(t *testing.T, _ variant, m *manifest) {
	t.Helper()
	pods := m.pods()
	for _, p := range pods {
		if p.selector == nil {
			continue
		}
		for _, q := range pods {
			if got, want := matches(t, p.selector, q.template.Labels), p.owner == q.owner; got != want {
				t.Errorf("the selector of %s matches the pods of %s: %t, want %t", p.owner, q.owner, got, want)
			}
		}
		for _, c := range p.template.Spec.TopologySpreadConstraints {
			if !matches(t, c.LabelSelector, p.template.Labels) {
				t.Errorf("%s is not among the pods that it is spread over", p.owner)
			}
		}
	}
}

func checkServices(t *testing.T, _ variant, m *manifest) {
	t.Helper()
	for i := range m.services {
		s := &m.services[i]
		found := 0
		for _, p := range m.pods() {
			if !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.template.Labels)) {
				continue
			}
			found++
			for _, port := range s.Spec.Ports {
				if portOf(&p, port.TargetPort.StrVal) == 0 {
					t.Errorf("service %s: %s has no port %q", s.Name, p.owner, port.TargetPort.String())
				}
			}
		}
		if found != 1 {
			t.Errorf("service %s reaches the pods of %d workloads, want 1", s.Name, found)
		}
	}
}

// portOf returns the number of a named port, 0 where there is none.
func portOf(p *pod, name string) int32 {
	for _, c := range p.template.Spec.Containers {
		for _, port := range c.Ports {
			if port.Name == name {
				return port.ContainerPort
			}
		}
	}
	return 0
}

// scaledObject is what of KEDA's ScaledObject matters here.
type scaledObject struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ScaleTargetRef struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicaCount int32 `json:"minReplicaCount"`
		Triggers        []struct {
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

func (m *manifest) scaled(t *testing.T) (list []scaledObject) {
	t.Helper()
	for _, o := range m.custom {
		if o.Kind != "ScaledObject" {
			continue
		}
		var s scaledObject
		if err := yaml.Unmarshal(o.data, &s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// checkScaling asserts that KEDA scales what is there, asks who is there, and is not fought by a fixed number.
func checkScaling(t *testing.T, v variant, m *manifest) {
	t.Helper()
	want := 5
	if v.overlay == "local" && !v.has("keda") {
		want = 0
	}
	asked := "hal9-scaler.hal9.svc.cluster.local:9098"
	if v.has("keda-stock") {
		asked = m.monitoring()
	}
	scaled := m.scaled(t)
	if v.has("keda-web") {
		want++
	}
	if len(scaled) != want {
		t.Errorf("%d ScaledObjects, want %d", len(scaled), want)
	}
	for _, s := range scaled {
		i := slices.IndexFunc(m.deployments, func(d appsv1.Deployment) bool { return d.Name == s.Spec.ScaleTargetRef.Name })
		switch {
		case i < 0:
			t.Errorf("%s scales %s, which is not there", s.Name, s.Spec.ScaleTargetRef.Name)
		case m.deployments[i].Spec.Replicas != nil:
			t.Errorf("%s sets replicas: each apply would fight KEDA", m.deployments[i].Name)
		}
		if s.Name == "hal9-web" {
			continue // It asks Prometheus.
		}
		asks := map[string]bool{}
		for _, trigger := range s.Spec.Triggers {
			for _, key := range []string{"scalerAddress", "natsServerMonitoringEndpoint"} {
				if address := trigger.Metadata[key]; address != "" {
					asks[address] = true
				}
			}
		}
		if diff := cmp.Diff(map[string]bool{asked: true}, asks); diff != "" {
			t.Errorf("%s asks (-want +got):\n%s", s.Name, diff)
		}
	}
}

// monitoring is the address at which KEDA's nats-jetstream scaler finds every server: a Service in which they have names.
func (m *manifest) monitoring() string {
	for i := range m.services {
		s := &m.services[i]
		port := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == "monitor" })
		if s.Name == m.statefulSets[0].Spec.ServiceName && s.Spec.ClusterIP == corev1.ClusterIPNone && port >= 0 {
			return fmt.Sprintf("%s.hal9.svc.cluster.local:%d", s.Name, s.Spec.Ports[port].Port)
		}
	}
	return "nobody"
}

// checkBudgets asserts that in production each workload has one budget, which is about it alone and can be met. A single pod has none:
// its node could not be drained.
func checkBudgets(t *testing.T, v variant, m *manifest) {
	t.Helper()
	budgets := map[string]int{}
	for i := range m.budgets {
		b := &m.budgets[i]
		var owners []pod
		for _, p := range m.pods() {
			if matches(t, b.Spec.Selector, p.template.Labels) {
				owners = append(owners, p)
				budgets[p.owner]++
			}
		}
		if len(owners) != 1 {
			t.Errorf("budget %s is about %d workloads, want 1", b.Name, len(owners))
			continue
		}
		if least := m.leastReplicas(t, &owners[0]); b.Spec.MinAvailable != nil && b.Spec.MinAvailable.IntVal >= least {
			t.Errorf("budget %s keeps %d of %d pods: no node could be drained", b.Name, b.Spec.MinAvailable.IntVal, least)
		}
		if slices.Contains(layerNames, owners[0].component) && (b.Spec.MinAvailable == nil || b.Spec.MinAvailable.IntVal != 3) {
			t.Errorf("budget %s: want minAvailable 3", b.Name)
		}
	}
	for _, p := range m.pods() {
		want := 1
		if v.overlay == "local" || p.job {
			want = 0
		}
		if budgets[p.owner] != want {
			t.Errorf("%s has %d disruption budgets, want %d", p.owner, budgets[p.owner], want)
		}
	}
}

func (m *manifest) leastReplicas(t *testing.T, p *pod) int32 {
	t.Helper()
	for _, s := range m.scaled(t) {
		if "Deployment/"+s.Spec.ScaleTargetRef.Name == p.owner {
			return s.Spec.MinReplicaCount
		}
	}
	if p.replicas == nil {
		return 1
	}
	return *p.replicas
}

// checkDrain asserts that nothing is killed that still settles signals: HTTP requests and signals in
// work have HAL9_DRAIN each, one after the other.
func checkDrain(t *testing.T, _ variant, m *manifest) {
	t.Helper()
	const slack = 5 * time.Second // to close connections and end
	for _, p := range m.pods() {
		if !slices.Contains(append([]string{"web"}, layerNames...), p.component) {
			continue
		}
		c := p.template.Spec.Containers[0]
		i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "HAL9_DRAIN" })
		if i < 0 || c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
			t.Errorf("%s: no HAL9_DRAIN or no preStop", p.owner)
			continue
		}
		drain, err := time.ParseDuration(c.Env[i].Value)
		if err != nil {
			t.Fatal(err)
		}
		sleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
		grace := time.Duration(*p.template.Spec.TerminationGracePeriodSeconds) * time.Second
		if sleep <= drain || sleep+2*drain+slack > grace {
			t.Errorf("%s: preStop %s, drain %s, grace %s: want drain < preStop, preStop + 2 drains + %s <= grace", p.owner, sleep, drain, grace, slack)
		}
	}
}

// checkReferences covers ConfigMaps, Secrets, ServiceAccounts and priority classes.
func checkReferences(t *testing.T, v variant, m *manifest) {
	t.Helper()
	byHand := []string{"Secret/hal9-nats-creds", "Secret/hal9-nats-ca"} // said in components/external-nats
	have := map[string]bool{}
	for _, o := range m.objects {
		if have[o.String()] {
			t.Errorf("%s is there twice", &o)
		}
		have[o.String()] = true
		if o.Namespace != "hal9" && o.Kind != "Namespace" && o.Kind != "PriorityClass" {
			t.Errorf("%s is in namespace %q", &o, o.Namespace)
		}
		if o.Labels["app.kubernetes.io/part-of"] != "hal9" && o.Kind != "ConfigMap" && o.Kind != "ScaledObject" {
			t.Errorf("%s has no label app.kubernetes.io/part-of", &o)
		}
	}
	if v.overlay == "production-external-nats" {
		for _, name := range byHand {
			have[name] = true
		}
	}
	for _, p := range m.pods() {
		for _, name := range references(&p) {
			if !have[name] {
				t.Errorf("%s refers to %s, which is not there", p.owner, name)
			}
		}
	}
}

func references(p *pod) []string {
	spec := p.template.Spec
	list := []string{"ServiceAccount/" + spec.ServiceAccountName, "PriorityClass/" + spec.PriorityClassName}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil {
			list = append(list, "ConfigMap/"+v.ConfigMap.Name)
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				list = append(list, "Secret/"+source.Secret.Name)
			}
		}
	}
	for _, c := range p.containers() {
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				list = append(list, "ConfigMap/"+from.ConfigMapRef.Name)
			}
		}
		for _, mount := range c.VolumeMounts {
			if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) && !strings.HasPrefix(p.owner, "StatefulSet/") {
				list = append(list, "volume "+mount.Name)
			}
		}
	}
	return list
}
