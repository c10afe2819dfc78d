package deploy_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// checkComponents names what each variant must run.
func checkComponents(t *testing.T, v variant, m *manifest) {
	t.Helper()
	want := slices.Concat(layerNames, []string{"provision", "scaler", "web"})
	if v.overlay != "production-external-nats" {
		want = append(want, "nats")
	}
	var got []string
	for _, p := range m.pods() {
		got = append(got, p.component)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("components %v, want %v", got, want)
	}
}

// checkSecurity holds every pod to Pod Security's restricted profile, and to more.
func checkSecurity(t *testing.T, _ variant, m *manifest) {
	t.Helper()
	for _, mode := range []string{"enforce", "audit", "warn"} {
		if got := m.namespaces[0].Labels["pod-security.kubernetes.io/"+mode]; got != "restricted" {
			t.Errorf("the namespace has %s=%q, want restricted", mode, got)
		}
	}
	for _, p := range m.pods() {
		checkPodSecurity(t, &p)
		for _, c := range p.containers() {
			checkContainerSecurity(t, p.owner+"/"+c.Name, c.SecurityContext)
		}
	}
}

func checkPodSecurity(t *testing.T, p *pod) {
	t.Helper()
	spec := p.template.Spec
	sc := spec.SecurityContext
	if sc == nil || sc.RunAsNonRoot == nil || !*sc.RunAsNonRoot || sc.RunAsUser == nil || *sc.RunAsUser == 0 ||
		sc.SeccompProfile == nil || sc.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: securityContext %+v: want a user other than root and seccomp RuntimeDefault", p.owner, sc)
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		t.Errorf("%s gets a token", p.owner)
	}
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		t.Errorf("%s has service links: HAL9_NATS_PORT=tcp://… would be read as a flag", p.owner)
	}
	if spec.PriorityClassName == "" {
		t.Errorf("%s has no priority class", p.owner)
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap == nil && v.EmptyDir == nil && v.Projected == nil && v.Secret == nil && v.PersistentVolumeClaim == nil {
			t.Errorf("%s: volume %s is of a kind that the restricted profile does not allow, or that nobody needs", p.owner, v.Name)
		}
	}
}

func checkContainerSecurity(t *testing.T, name string, sc *corev1.SecurityContext) {
	t.Helper()
	if sc == nil || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation ||
		sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem ||
		sc.Capabilities == nil || !slices.Contains(sc.Capabilities.Drop, "ALL") || len(sc.Capabilities.Add) > 0 {
		t.Errorf("%s: securityContext %+v: want no escalation, a read-only root, no capabilities", name, sc)
	}
}

func checkContainers(t *testing.T, _ variant, m *manifest) {
	t.Helper()
	for _, p := range m.pods() {
		for _, c := range p.containers() {
			checkImage(t, p.owner+"/"+c.Name, c.Image)
			checkResources(t, p.owner+"/"+c.Name, c.Resources)
		}
		if p.job {
			continue
		}
		for _, c := range p.template.Spec.Containers {
			for kind, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
				checkProbe(t, p.owner+" "+kind, probe, c.Ports)
			}
			checkMemoryLimit(t, p.owner, &c)
		}
	}
}

func checkImage(t *testing.T, name, image string) {
	t.Helper()
	repository, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !ok || repository == "" || tag == "" || tag == "latest" || !strings.ContainsAny(tag, "0123456789") {
		t.Errorf("%s: image %q has no version", name, image)
	}
}

func checkResources(t *testing.T, name string, r corev1.ResourceRequirements) {
	t.Helper()
	for _, list := range []corev1.ResourceList{r.Requests, r.Limits} {
		for _, kind := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			if q := list[kind]; q.IsZero() {
				t.Errorf("%s: no %s in %v", name, kind, list)
			}
		}
	}
	for kind, request := range r.Requests {
		if limit := r.Limits[kind]; request.Cmp(limit) > 0 {
			t.Errorf("%s: %s: request %s is above limit %s", name, kind, request.String(), limit.String())
		}
	}
}

func checkProbe(t *testing.T, name string, probe *corev1.Probe, ports []corev1.ContainerPort) {
	t.Helper()
	if probe == nil || probe.HTTPGet == nil {
		t.Errorf("%s probe is missing", name)
		return
	}
	port := probe.HTTPGet.Port.StrVal
	if !slices.ContainsFunc(ports, func(p corev1.ContainerPort) bool { return p.Name == port }) {
		t.Errorf("%s probe asks port %q, which the container does not have", name, probe.HTTPGet.Port.String())
	}
	if strings.HasSuffix(name, "liveness") && strings.HasSuffix(probe.HTTPGet.Path, "/readyz") {
		t.Errorf("%s probe restarts pods while NATS is away", name)
	}
}

// checkMemoryLimit asserts that the collector works harder before the kernel kills the process.
func checkMemoryLimit(t *testing.T, owner string, c *corev1.Container) {
	t.Helper()
	i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" })
	if i < 0 {
		t.Errorf("%s has no GOMEMLIMIT", owner)
		return
	}
	soft, err := resource.ParseQuantity(strings.TrimSuffix(c.Env[i].Value, "B"))
	if err != nil {
		t.Errorf("%s: GOMEMLIMIT %q: %v", owner, c.Env[i].Value, err)
		return
	}
	hard := c.Resources.Limits.Memory()
	if share := soft.AsApproximateFloat64() / hard.AsApproximateFloat64(); share < 0.8 || share > 0.9 {
		t.Errorf("%s: GOMEMLIMIT %s is %.2f of the memory limit %s, want 0.8 to 0.9", owner, c.Env[i].Value, share, hard.String())
	}
}

// TestProductionSizes holds the sizes that are promised.
func TestProductionSizes(t *testing.T) {
	m := render(t, source(t), variant{overlay: "production"})
	for _, p := range m.pods() {
		if !slices.Contains(layerNames, p.component) {
			continue
		}
		r := p.template.Spec.Containers[0].Resources
		got := []string{r.Requests.Cpu().String(), r.Requests.Memory().String(), r.Limits.Cpu().String(), r.Limits.Memory().String()}
		if want := []string{"1", "2Gi", "2", "4Gi"}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", p.owner, got, want)
		}
		if p.template.Spec.Affinity.PodAntiAffinity == nil || len(p.template.Spec.TopologySpreadConstraints) != 2 {
			t.Errorf("%s is not spread over nodes and zones", p.owner)
		}
	}
	if got := m.config(t, "hal9-topology"); got["HAL9_PARTITIONS"] != "60" || got["HAL9_REPLICAS"] != "3" {
		t.Errorf("topology %v, want 60 partitions and 3 replicas", got)
	}
	for i := range m.statefulSets {
		if s := &m.statefulSets[i]; *s.Spec.Replicas != 3 || len(s.Spec.VolumeClaimTemplates) != 1 ||
			len(s.Spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) == 0 {
			t.Errorf("%s: want three servers on three nodes, each with a volume", s.Name)
		}
	}
}
