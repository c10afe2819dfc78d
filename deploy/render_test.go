package deploy_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// layerNames are the components that are layers.
var layerNames = []string{"l1", "l2", "l3", "l4", "l5"}

// variant is a way to deploy HAL9: an overlay with components on top.
type variant struct {
	overlay    string
	components []string
}

func (v variant) String() string {
	return strings.Join(append([]string{v.overlay}, v.components...), "-with-")
}

// has reports whether the variant takes a component by itself.
func (v variant) has(component string) bool { return slices.Contains(v.components, component) }

// variants are the ways that are looked at: each overlay alone and with every optional component, and each component alone.
func variants() (all []variant) {
	optional := []string{"dashboards", "monitoring", "tracing", "vpa", "webhooks"}
	for _, overlay := range []string{"local", "production", "production-external-nats"} {
		all = append(all, variant{overlay: overlay}, variant{overlay, optional})
	}
	for _, component := range append([]string{"keda"}, optional...) {
		all = append(all, variant{"local", []string{component}})
	}
	return append(all, variant{"production", []string{"keda-stock"}}, variant{"production", []string{"keda-web"}})
}

// TestOverlays holds everything that can be applied to what its readers rely on.
func TestOverlays(t *testing.T) {
	checks := map[string]func(*testing.T, variant, *manifest){
		"components":    checkComponents,
		"security":      checkSecurity,
		"containers":    checkContainers,
		"selectors":     checkSelectors,
		"services":      checkServices,
		"scaling":       checkScaling,
		"budgets":       checkBudgets,
		"drain":         checkDrain,
		"references":    checkReferences,
		"policies":      checkPolicies,
		"configuration": checkConfiguration,
	}
	disk := source(t)
	for _, v := range variants() {
		t.Run(v.String(), func(t *testing.T) {
			m := render(t, disk, v)
			for name, check := range checks {
				t.Run(name, func(t *testing.T) { check(t, v, m) })
			}
		})
	}
}

// source is a copy in memory of what kustomize may read of this repository.
func source(t *testing.T) filesys.FileSystem {
	t.Helper()
	memory := filesys.MakeFsInMemory()
	for _, dir := range []string{"base", "components", "nats", "overlays", "dashboards", "../keda"} {
		err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			return memory.WriteFile(path.Join("/src/deploy", filepath.ToSlash(name)), data)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return memory
}

// render builds a variant as `kubectl apply -k` would.
func render(t *testing.T, disk filesys.FileSystem, v variant) *manifest {
	t.Helper()
	dir := "/src/deploy/overlays/" + v.overlay
	if len(v.components) > 0 {
		dir = "/src/deploy/overlays/" + v.String()
		var text strings.Builder
		fmt.Fprintf(&text, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../%s]\ncomponents:\n", v.overlay)
		for _, component := range v.components {
			fmt.Fprintf(&text, "  - ../../components/%s\n", component)
		}
		if err := disk.WriteFile(dir+"/kustomization.yaml", []byte(text.String())); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, dir)
	if err != nil {
		t.Fatal(err)
	}
	m := &manifest{}
	for _, resource := range built.Resources() {
		data, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		m.add(t, data)
	}
	return m
}

// object is what every resource has.
type object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	data []byte // YAML
}

func (o *object) String() string { return o.Kind + "/" + o.Name }

// manifest is everything that a variant applies.
type manifest struct {
	objects      []object
	namespaces   []corev1.Namespace
	accounts     []corev1.ServiceAccount
	configs      []corev1.ConfigMap
	services     []corev1.Service
	deployments  []appsv1.Deployment
	statefulSets []appsv1.StatefulSet
	jobs         []batchv1.Job
	budgets      []policyv1.PodDisruptionBudget
	policies     []networkingv1.NetworkPolicy
	priorities   []schedulingv1.PriorityClass
	custom       []object // of kinds that Kubernetes itself does not know
}

func (m *manifest) add(t *testing.T, data []byte) {
	t.Helper()
	o := object{data: data}
	if err := yaml.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	m.objects = append(m.objects, o)
	switch o.GroupVersionKind().GroupKind().String() {
	case "Namespace":
		decode(t, data, &m.namespaces)
	case "ServiceAccount":
		decode(t, data, &m.accounts)
	case "ConfigMap":
		decode(t, data, &m.configs)
	case "Service":
		decode(t, data, &m.services)
	case "Deployment.apps":
		decode(t, data, &m.deployments)
	case "StatefulSet.apps":
		decode(t, data, &m.statefulSets)
	case "Job.batch":
		decode(t, data, &m.jobs)
	case "PodDisruptionBudget.policy":
		decode(t, data, &m.budgets)
	case "NetworkPolicy.networking.k8s.io":
		decode(t, data, &m.policies)
	case "PriorityClass.scheduling.k8s.io":
		decode(t, data, &m.priorities)
	default:
		m.custom = append(m.custom, o)
	}
}

// decode appends what the API server would read: a field that it does not know is an error.
func decode[T any](t *testing.T, data []byte, list *[]T) {
	t.Helper()
	var value T
	if err := yaml.UnmarshalStrict(data, &value); err != nil {
		t.Fatalf("%v in:\n%s", err, data)
	}
	*list = append(*list, value)
}

// pod is a pod as a workload makes it.
type pod struct {
	owner     string // kind/name
	component string
	job       bool
	replicas  *int32 // nil where the workload does not say
	selector  *metav1.LabelSelector
	template  corev1.PodTemplateSpec
}

func (m *manifest) pods() (list []pod) {
	add := func(owner string, replicas *int32, selector *metav1.LabelSelector, template corev1.PodTemplateSpec) {
		list = append(list, pod{
			owner: owner, component: template.Labels["app.kubernetes.io/component"], job: selector == nil,
			replicas: replicas, selector: selector, template: template,
		})
	}
	for i := range m.deployments {
		d := &m.deployments[i]
		add("Deployment/"+d.Name, d.Spec.Replicas, d.Spec.Selector, d.Spec.Template)
	}
	for i := range m.statefulSets {
		s := &m.statefulSets[i]
		add("StatefulSet/"+s.Name, s.Spec.Replicas, s.Spec.Selector, s.Spec.Template)
	}
	for i := range m.jobs {
		add("Job/"+m.jobs[i].Name, nil, nil, m.jobs[i].Spec.Template)
	}
	return list
}

// containers lists those of a pod, those that start first included.
func (p *pod) containers() []corev1.Container {
	return slices.Concat(p.template.Spec.InitContainers, p.template.Spec.Containers)
}

// config returns the data of the ConfigMap whose name starts so; kustomize puts a hash behind it.
func (m *manifest) config(t *testing.T, name string) map[string]string {
	t.Helper()
	for i := range m.configs {
		rest, ok := strings.CutPrefix(m.configs[i].Name, name+"-")
		if ok && !strings.Contains(rest, "-") {
			return m.configs[i].Data
		}
	}
	t.Fatalf("no ConfigMap %s-<hash>", name)
	return nil
}
