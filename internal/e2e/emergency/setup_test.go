// Package emergency_test runs hal9 emergency and hal9 doctor against a real Kubernetes API server, with faults injected. It
// runs where EMERGENCY is set and KUBECONFIG names a cluster: `make e2e-emergency`. What is about KEDA needs KEDA there. It
// works in namespaces of its own, which it removes.
package emergency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

var binary proctest.Builder

func TestMain(m *testing.M) {
	code := m.Run()
	binary.Remove()
	os.Exit(code)
}

// patience bounds every wait for the cluster.
const patience = 2 * time.Minute

// rig is a namespace with what the tests break.
type rig struct {
	t          *testing.T
	namespace  string
	kubeconfig string // "" for that of the environment
	state      string // folder of records
	program    string
	keda       bool
}

func start(t *testing.T) *rig {
	t.Helper()
	if os.Getenv("EMERGENCY") == "" || os.Getenv("KUBECONFIG") == "" {
		t.Skip("EMERGENCY or KUBECONFIG is not set: it needs a cluster; make e2e-emergency runs it")
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl")
	}
	program, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, namespace: fmt.Sprintf("hal9-e2e-%d", time.Now().UnixNano()%1e9), state: t.TempDir(), program: program}
	_, err = r.try("get", "crd", "scaledobjects.keda.sh")
	r.keda = err == nil
	r.kubectl("create", "namespace", r.namespace)
	t.Cleanup(func() { _, _ = r.try("delete", "namespace", r.namespace, "--wait=false") })
	return r
}

// deployment is one of the layers, small.
func (r *rig) deployment(layer, more string, replicas int) {
	r.t.Helper()
	name := "hal9-" + layer
	r.apply(fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, labels: {app.kubernetes.io/name: hal9, app.kubernetes.io/part-of: hal9, app.kubernetes.io/component: %[2]s}}
spec:
  replicas: %[3]d
  selector: {matchLabels: {app.kubernetes.io/component: %[2]s}}
  template:
    metadata: {labels: {app.kubernetes.io/name: hal9, app.kubernetes.io/part-of: hal9, app.kubernetes.io/component: %[2]s}}
    spec:
      %[4]s
`, name, layer, replicas, more))
}

// small are containers that fit anywhere; large ones fit nowhere; those of nobody are never scheduled, so that a test says
// how they are.
const (
	small  = `containers: [{name: hal9, image: "ghcr.io/2lab-ai/hal9:dev", resources: {requests: {cpu: 10m, memory: 8Mi}}}]`
	large  = `containers: [{name: hal9, image: "ghcr.io/2lab-ai/hal9:dev", resources: {requests: {cpu: "5000"}}}]`
	nobody = "schedulerName: nobody\n      " + small
)

// scaledObject has KEDA keep a layer at two replicas, up to four.
func (r *rig) scaledObject(layer string) {
	r.t.Helper()
	r.apply(fmt.Sprintf(`
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: hal9-%[1]s, labels: {app.kubernetes.io/part-of: hal9}}
spec:
  scaleTargetRef: {name: hal9-%[1]s}
  minReplicaCount: 2
  maxReplicaCount: 4
  triggers: [{type: cron, metadata: {timezone: Etc/UTC, start: 0 0 * * *, end: 59 23 * * *, desiredReplicas: "2"}}]
`, layer))
	r.eventually("KEDA makes the HPA", func() bool {
		out, err := r.try("get", "hpa", "keda-hpa-hal9-"+layer, "--output", "jsonpath={.spec.maxReplicas}")
		return err == nil && out == "4"
	})
}

func (r *rig) plainHPA(layer string) {
	r.t.Helper()
	r.apply(fmt.Sprintf(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: own-%[1]s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: hal9-%[1]s}
  minReplicas: 2
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
`, layer))
}

// snapshot returns the fields that an emergency may change, and the annotations.
func (r *rig) snapshot() string {
	r.t.Helper()
	kinds := "deployments.apps,horizontalpodautoscalers"
	if r.keda {
		kinds += ",scaledobjects.keda.sh"
	}
	var list struct {
		Items []struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name        string            `json:"name"`
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
			Spec map[string]json.RawMessage `json:"spec"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(r.kubectl("get", kinds, "--output", "json")), &list); err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for _, item := range list.Items {
		fmt.Fprintf(&b, "%s %s:", item.Kind, item.Metadata.Name)
		for _, name := range []string{"replicas", "minReplicas", "maxReplicas", "minReplicaCount", "maxReplicaCount"} {
			if v, ok := item.Spec[name]; ok {
				fmt.Fprintf(&b, " %s=%s", name, v)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(item.Metadata.Annotations)) {
			if strings.Contains(name, "hal9.dev") || strings.Contains(name, "paused") {
				fmt.Fprintf(&b, " %s=%s", name, item.Metadata.Annotations[name])
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (r *rig) kubectl(args ...string) string {
	r.t.Helper()
	out, err := r.try(args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *rig) try(args ...string) (string, error) { return r.run("", args...) }

func (r *rig) apply(manifest string) {
	r.t.Helper()
	if out, err := r.run(manifest, "apply", "--filename", "-"); err != nil {
		r.t.Fatal(out, err)
	}
}

func (r *rig) run(input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl", append([]string{"--namespace", r.namespace}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %v: %w\n%s", args, err, out)
	}
	return string(out), nil
}

// hal9 runs the program and returns what it says and its exit code.
func (r *rig) hal9(args ...string) (string, int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	args = append(args, "--namespace", r.namespace)
	if r.kubeconfig != "" {
		args = append(args, "--kubeconfig", r.kubeconfig)
	}
	cmd := exec.CommandContext(ctx, r.program, args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+r.state, "HAL9_NATS=nats://127.0.0.1:1")
	cmd.Dir = r.state
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case ok:
		return out.String(), exit.ExitCode()
	case err != nil:
		r.t.Fatal(err)
	}
	return out.String(), 0
}

// become has the program run as a service account of the namespace.
func (r *rig) become(account string) {
	r.t.Helper()
	r.kubeconfig = filepath.Join(r.t.TempDir(), account+".kubeconfig")
	data := r.kubectl("config", "view", "--raw", "--minify", "--flatten")
	if err := os.WriteFile(r.kubeconfig, []byte(data), 0o600); err != nil {
		r.t.Fatal(err)
	}
	token := strings.TrimSpace(r.kubectl("create", "token", account))
	r.kubectl("--kubeconfig", r.kubeconfig, "config", "set-credentials", account, "--token", token)
	r.kubectl("--kubeconfig", r.kubeconfig, "config", "set-context", "--current", "--user", account)
}

// suggested runs the program and returns the words of the last line that it suggests, without its name, as a shell reads
// them; the rig adds its namespace itself.
func (r *rig) suggested(args ...string) []string {
	r.t.Helper()
	out := r.must(0, []string{"  > "}, args...)
	at := strings.LastIndex(out, "  > ")
	line, _, _ := strings.Cut(out[at+len("  > "):], "\n")
	words, err := exec.CommandContext(r.t.Context(), "sh", "-c", "set -- "+line+`; printf '%s\n' "$@"`).Output()
	if err != nil {
		r.t.Fatalf("%s: %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(words), "\n"), "\n")[1:]
}

// must runs the program and requires an exit code and texts.
func (r *rig) must(code int, texts []string, args ...string) string {
	r.t.Helper()
	out, got := r.hal9(args...)
	if got != code {
		r.t.Errorf("hal9 %v: exit code %d, want %d\n%s", args, got, code, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			r.t.Errorf("hal9 %v does not say %q:\n%s", args, text, out)
		}
	}
	return out
}

func (r *rig) eventually(what string, is func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// settled waits until the namespace is as it was before.
func (r *rig) settled(before string) {
	r.t.Helper()
	after := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Second) {
		if after = r.snapshot(); after == before {
			return
		}
	}
	r.t.Errorf("not as before:\n%s\nbut\n%s", before, after)
}

// record returns the path of the one record.
func (r *rig) record() string {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.state, "hal9", "*.json"))
	if err != nil || len(found) != 1 {
		r.t.Fatalf("records: %v, %v", found, err)
	}
	return found[0]
}
