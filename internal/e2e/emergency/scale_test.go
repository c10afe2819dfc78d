package emergency_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// layered starts L2 under an HPA of its own, L3 under KEDA where there is KEDA, and L4 alone.
func layered(t *testing.T) (r *rig, before string) {
	t.Helper()
	r = start(t)
	for _, layer := range []string{"l2", "l3", "l4"} {
		r.deployment(layer, small, 2)
	}
	r.plainHPA("l2")
	if r.keda {
		r.scaledObject("l3")
	}
	return r, r.snapshot()
}

func TestScaleAndRestore(t *testing.T) {
	r, before := layered(t)
	scale := []string{"emergency", "scale", "--layer", "L2,L3,L4", "--replicas", "7"}
	r.must(0, []string{"dry run", "2 -> 7", "port-forward"}, scale...)
	if after := r.snapshot(); after != before {
		t.Fatalf("a dry run changed\n%s\nto\n%s", before, after)
	}
	out := r.must(0, []string{"7 of 7 ready", "hal9 emergency restore"}, append(scale, "--yes")...)
	if r.keda != !strings.Contains(out, "not on this cluster") {
		t.Errorf("KEDA %t, but it says\n%s", r.keda, out)
	}
	// Neither KEDA nor the HPAs take the pods away: several of their periods pass.
	time.Sleep(20 * time.Second)
	if n := strings.Count(r.snapshot(), " replicas=7"); n != 3 {
		t.Errorf("%d Deployments have 7 replicas, want 3:\n%s", n, r.snapshot())
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	r.must(0, []string{"L2  7 replicas", "by " + who.Username + "@"}, "emergency")
	r.must(0, []string{"the way back stays the one to before it", "9 of 9 ready"}, "emergency", "scale", "--layer", "L3", "--replicas", "9", "--yes")
	r.must(0, []string{"9 -> 2", "7 -> 2"}, "emergency", "restore")
	r.must(0, []string{"everything is as it was"}, "emergency", "restore", "--yes")
	r.settled(before)
	r.must(0, []string{"no emergency is under way"}, "emergency", "restore", "--yes")
	r.must(0, []string{"no emergency is under way"}, "emergency", "restore", "--yes", r.record())
	r.settled(before)
}

// TestScriptIsTheSameWay goes back without hal9.
func TestScriptIsTheSameWay(t *testing.T) {
	r, before := layered(t)
	r.must(0, nil, "emergency", "scale", "--layer", "all", "--replicas", "5", "--yes")
	script := strings.TrimSuffix(r.record(), ".json") + ".sh"
	for range 2 {
		if out, err := exec.CommandContext(t.Context(), "sh", script).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	r.settled(before)
	// Its record is of the past now: nothing of it comes back.
	r.kubectl("patch", "hpa", "own-l2", "--type", "merge", "--patch", `{"spec":{"maxReplicas":6}}`)
	before = r.snapshot()
	r.must(0, []string{"no emergency is under way"}, "emergency", "restore", "--yes", r.record())
	r.must(0, nil, "emergency", "scale", "--layer", "L4", "--replicas", "5", "--yes")
	if out := r.must(0, []string{"5 -> 2"}, "emergency", "restore"); strings.Contains(out, "own-l2") {
		t.Errorf("it still knows of L2:\n%s", out)
	}
	r.must(0, nil, "emergency", "scale", "--layer", "L2", "--replicas", "7", "--yes")
	r.must(0, nil, "emergency", "restore", "--yes")
	r.settled(before)
}

// TestPastedCommands runs what is suggested as it stands, with names that a shell would take apart.
func TestPastedCommands(t *testing.T) {
	r, before := layered(t)
	record := filepath.Join(t.TempDir(), "way back.json")
	line := r.suggested("emergency", "scale", "--layer", "L4", "--replicas", "4", "--record", record)
	if line = r.suggested(line...); !strings.Contains(r.snapshot(), "hal9-l4: replicas=4") {
		t.Errorf("%v scaled nothing:\n%s", line, r.snapshot())
	}
	r.must(0, []string{"everything is as it was"}, line...)
	r.settled(before)
}

// TestGoneMeanwhile has an object go away that was changed.
func TestGoneMeanwhile(t *testing.T) {
	r, _ := layered(t)
	r.must(0, nil, "emergency", "scale", "--layer", "L2", "--replicas", "6", "--yes")
	r.kubectl("delete", "hpa", "own-l2")
	out := r.must(0, []string{"left alone: horizontalpodautoscaler.autoscaling own-l2"}, "emergency", "restore", "--yes")
	if strings.Contains(out, "everything is as it was") {
		t.Errorf("own-l2 is not:\n%s", out)
	}
}

// TestScaledAgainWhatClimbed has somebody scale beyond an emergency: the next one takes nothing down.
func TestScaledAgainWhatClimbed(t *testing.T) {
	r, before := layered(t)
	r.must(0, nil, "emergency", "scale", "--layer", "L2,L4", "--replicas", "5", "--mode", "pause", "--yes")
	r.kubectl("patch", "hpa", "own-l2", "--type", "merge", "--patch", `{"spec":{"maxReplicas":9}}`)
	r.kubectl("scale", "deployment/hal9-l4", "--replicas", "6")
	out := r.must(0, []string{"is 9 by now"}, "emergency", "scale", "--layer", "L2,L4", "--replicas", "6", "--yes")
	if after := r.snapshot(); !strings.Contains(after, "maxReplicas=9") || !strings.Contains(after, "hal9-l4: replicas=6") {
		t.Errorf("it took down what is higher:\n%s\n%s", after, out)
	}
	r.must(0, nil, "emergency", "restore", "--yes")
	r.settled(before)
}

func TestPauseAndRestore(t *testing.T) {
	r, before := layered(t)
	if !r.keda {
		t.Skip("there is no KEDA")
	}
	r.must(0, []string{"paused-replicas: 6", "6 of 6 ready"}, "emergency", "scale", "--layer", "L3", "--replicas", "6", "--mode", "pause", "--yes")
	r.eventually("KEDA pauses", func() bool {
		out, err := r.try("get", "scaledobject", "hal9-l3", "--output", "jsonpath={.status.pausedReplicaCount}")
		return err == nil && out == "6"
	})
	r.must(0, nil, "emergency", "restore", "--yes")
	r.settled(before)
}

// TestKilledInTheMiddle kills hal9 with SIGKILL behind each of its changes, and goes back by the record, or by what stands
// on the objects.
func TestKilledInTheMiddle(t *testing.T) {
	r, before := layered(t)
	patches := 4 // HPA and Deployment of L2, Deployments of L3 and L4
	if r.keda {
		patches = 6
	}
	for at := 1; at <= patches; at++ {
		for _, record := range []bool{true, false} {
			program := killer(t, at)
			out, code := r.hal9("emergency", "scale", "--layer", "L2,L3,L4", "--replicas", "6", "--yes", "--kubectl", program)
			if code != -1 {
				t.Fatalf("it was not killed at patch %d: %d\n%s", at, code, out)
			}
			if !record {
				if err := os.Remove(r.record()); err != nil {
					t.Fatal(err)
				}
			}
			r.must(0, nil, "emergency", "restore", "--yes")
			r.settled(before)
		}
	}
}

// killer returns a kubectl that kills whoever called it right after the n-th patch.
func killer(t *testing.T, n int) string {
	t.Helper()
	real, err := exec.LookPath("kubectl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "kubectl")
	script := fmt.Sprintf("#!/bin/sh\ncase \" $* \" in\n*' patch '*) echo x >> %[1]s/count; %[2]s \"$@\"; rc=$?\n  [ $(wc -l < %[1]s/count) -ge %[3]d ] && kill -9 $PPID; exit $rc;;\n*) exec %[2]s \"$@\";;\nesac\n", dir, real, n)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestChangedMeanwhile(t *testing.T) {
	r, before := layered(t)
	r.must(0, nil, "emergency", "scale", "--layer", "L2", "--replicas", "6", "--yes")
	r.kubectl("patch", "hpa", "own-l2", "--type", "merge", "--patch", `{"spec":{"maxReplicas":50}}`)
	changed := r.snapshot()
	r.must(1, []string{"own-l2 spec.maxReplicas is 50", "--force"}, "emergency", "restore", "--yes")
	if after := r.snapshot(); after != changed {
		t.Errorf("a refused restore changed\n%s\nto\n%s", changed, after)
	}
	r.must(0, nil, "emergency", "restore", "--yes", "--force")
	r.settled(before)
}

func TestExpiredEmergency(t *testing.T) {
	r, before := layered(t)
	r.must(0, nil, "emergency", "scale", "--layer", "L4", "--replicas", "3", "--for", "1m", "--yes")
	r.must(1, []string{"L4 has 3 replicas by hal9 emergency"}, "doctor", "--kubernetes", "on", "--all", "--plain")
	r.eventually("it expires", func() bool {
		out, _ := r.hal9("emergency")
		return strings.Contains(out, "expired")
	})
	r.must(1, []string{"L4 still has 3 replicas by hal9 emergency", "hal9 emergency restore"}, "doctor", "--kubernetes", "on", "--all", "--plain")
	r.must(0, nil, "emergency", "restore", "--yes")
	r.settled(before)
}

func TestWhoMayNot(t *testing.T) {
	r, before := layered(t)
	r.kubectl("create", "serviceaccount", "viewer")
	r.kubectl("create", "rolebinding", "viewer", "--clusterrole", "view", "--serviceaccount", r.namespace+":viewer")
	r.become("viewer")
	r.must(1, []string{"viewer may not, in namespace " + r.namespace, "patch deployments.apps"}, "emergency", "scale", "--layer", "L4", "--yes")
	if after := r.snapshot(); after != before {
		t.Errorf("it changed\n%s\nto\n%s", before, after)
	}
}

// TestDocumentedRole does all of it with the Role that docs/emergency.md gives to copy.
func TestDocumentedRole(t *testing.T) {
	r, before := layered(t)
	text, err := os.ReadFile("../../../docs/emergency.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	role, _, _ := strings.Cut(rest, "```")
	r.apply(strings.ReplaceAll(role, "namespace: hal9", "namespace: "+r.namespace))
	r.kubectl("create", "serviceaccount", "night")
	r.kubectl("create", "rolebinding", "night", "--role", "hal9-emergency", "--serviceaccount", r.namespace+":night")
	r.become("night")
	r.must(0, []string{"night, namespace", "6 of 6 ready"}, "emergency", "scale", "--layer", "L2,L3,L4", "--replicas", "6", "--yes")
	r.must(0, []string{"everything is as it was"}, "emergency", "restore", "--yes")
	r.settled(before)
}

func TestNoAPIServer(t *testing.T) {
	r := start(t)
	r.kubeconfig = filepath.Join(t.TempDir(), "gone.kubeconfig")
	data := r.kubectl("config", "view", "--raw", "--minify", "--flatten")
	if err := os.WriteFile(r.kubeconfig, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := strings.TrimSpace(r.kubectl("--kubeconfig", r.kubeconfig, "config", "view", "--output", "jsonpath={.clusters[0].name}"))
	r.kubectl("--kubeconfig", r.kubeconfig, "config", "set-cluster", cluster, "--server", "https://127.0.0.1:1")
	out := r.must(1, []string{"127.0.0.1:1 was refused"}, "emergency", "scale", "--layer", "L3", "--yes")
	if strings.Count(strings.TrimSpace(out), "\n") > 1 {
		t.Errorf("more than it needs:\n%s", out)
	}
	r.must(2, []string{"COULD NOT LOOK", "Kubernetes can't be looked at"}, "doctor", "--kubernetes", "on", "--plain")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.program, "emergency", "scale", "--layer", "L3")
	cmd.Env = append(os.Environ(), "PATH=/nowhere", "XDG_STATE_HOME="+r.state)
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "kubectl is not installed") {
		t.Errorf("without kubectl: %v\n%s", err, said)
	}
}
