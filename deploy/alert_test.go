package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// spec returns the spec of a custom resource as YAML.
func (m *manifest) spec(t *testing.T, name string) []byte {
	t.Helper()
	for _, o := range m.custom {
		if o.String() != name {
			continue
		}
		var resource struct {
			Spec map[string]any `json:"spec"`
		}
		if err := yaml.Unmarshal(o.data, &resource); err != nil {
			t.Fatal(err)
		}
		data, err := yaml.Marshal(resource.Spec)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	t.Fatalf("no %s", name)
	return nil
}

// TestKubernetesAlertsFire lets Prometheus evaluate the alerts over what kube-state-metrics says.
func TestKubernetesAlertsFire(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("it needs promtool, which comes with Prometheus")
	}
	dir := t.TempDir()
	rules := render(t, source(t), variant{"production", []string{"monitoring"}}).spec(t, "PrometheusRule/hal9-kubernetes")
	cases, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"rules.yaml": rules, "cases.yaml": cases} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "cases.yaml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestFailedTriesAreCounted: kube_job_status_failed counts pods that failed. A container that is started again in its pod is none, and its
// log is gone when the Job gives up.
func TestFailedTriesAreCounted(t *testing.T) {
	job := render(t, source(t), variant{overlay: "production"}).jobs[0].Spec
	if job.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("restartPolicy %s, want Never", job.Template.Spec.RestartPolicy)
	}
	if *job.BackoffLimit < 6 || *job.BackoffLimit > 15 {
		t.Errorf("backoffLimit %d: want time to look, and not too many pods", *job.BackoffLimit)
	}
	if *job.TTLSecondsAfterFinished > 60 {
		t.Errorf("a Job that is done is in the way of the next apply for %d s", *job.TTLSecondsAfterFinished)
	}
}
