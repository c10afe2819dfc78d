package emergency_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// states are how containers stand that a test says so of: nothing runs them.
var states = map[string]string{
	"image": `{"name":"hal9","image":"ghcr.io/2lab-ai/hal9:dev","imageID":"","ready":false,"restartCount":0,` +
		`"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image"}}}`,
	"oom": `{"name":"hal9","image":"x","imageID":"","ready":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},` +
		`"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","startedAt":"%[1]s","finishedAt":"%[1]s"}}}`,
	"crash": `{"name":"hal9","image":"x","imageID":"","ready":false,"restartCount":7,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},` +
		`"lastState":{"terminated":{"exitCode":3,"reason":"Error","startedAt":"%[1]s","finishedAt":"%[1]s"}}}`,
	"waits": `{"name":"provisioned","image":"x","imageID":"","ready":false,"restartCount":0,"state":{"running":{"startedAt":"%[1]s"}}}`,
}

// fail has the containers of a layer's pods stand as a kubelet would say; which are containerStatuses or initContainerStatuses.
func (r *rig) fail(layer, which, state string) {
	r.t.Helper()
	text := states[state]
	if strings.Contains(text, "%[1]s") {
		text = fmt.Sprintf(text, time.Now().UTC().Format(time.RFC3339))
	}
	patch := `{"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":"False"}],"` + which + `":[` + text + `]}}`
	for _, pod := range r.pods(layer) {
		r.kubectl("patch", pod, "--subresource", "status", "--type", "merge", "--patch", patch)
	}
}

func (r *rig) pods(layer string) []string {
	return strings.Fields(r.kubectl("get", "pods", "--selector", "app.kubernetes.io/component="+layer, "--output", "name"))
}

// TestWhatHoldsPodsBack has each kind of trouble said, by the emergency and by the doctor.
func TestWhatHoldsPodsBack(t *testing.T) {
	r := start(t)
	scale := func(layer string) []string {
		return []string{"emergency", "scale", "--layer", strings.ToUpper(layer), "--replicas", "3", "--timeout", "8s", "--yes"}
	}
	r.deployment("l1", large, 1)
	r.must(1, []string{"UNSCHEDULABLE", "too little cpu", "some pods will wait for nodes", "hal9 emergency restore"}, scale("l1")...)

	for layer, state := range map[string]string{"l2": "image", "l3": "oom", "l4": "crash"} {
		r.deployment(layer, nobody, 3)
		r.eventually("the pods are made", func() bool { return len(r.pods(layer)) == 3 })
		r.fail(layer, "containerStatuses", state)
	}
	r.must(1, []string{"IMAGE", "ghcr.io/2lab-ai/hal9:dev can't be pulled"}, scale("l2")...)
	r.must(1, []string{"OOM", "killed for want of memory", "set resources"}, scale("l3")...)
	r.must(1, []string{"CRASH", "last with exit code 3", "logs hal9-l4-"}, scale("l4")...)

	r.deployment("l5", small, 1)
	r.eventually("its pod runs", func() bool { return len(r.pods("l5")) == 1 })
	r.kubectl("create", "quota", "tight", fmt.Sprintf("--hard=pods=%d", len(r.pods("l1"))+9+1))
	r.eventually("the quota counts", func() bool {
		out, err := r.try("get", "quota", "tight", "--output", "jsonpath={.status.used.pods}")
		return err == nil && out != ""
	})
	r.must(1, []string{"QUOTA", "quota tight", "not all pods will be made"}, scale("l5")...)

	r.must(1, []string{
		"hal9-l1: 0 of 3 pods ready: no node takes them: too little cpu", "can't be pulled", "killed for want of memory in 24 hours",
		"they crash again and again", "quota tight",
	}, "doctor", "--kubernetes", "on", "--json", "--bundle", "bundle.tar.gz", "--script", "recovery.sh")
	list, err := exec.CommandContext(t.Context(), "tar", "tzf", filepath.Join(r.state, "bundle.tar.gz")).Output()
	if err != nil || !strings.Contains(string(list), "kubernetes/describe.txt") || !strings.Contains(string(list), "recovery.sh") {
		t.Errorf("bundle: %v\n%s", err, list)
	}
	r.must(0, nil, "emergency", "restore", "--yes")
}

// TestWaitsForStreams has pods wait in HAL9's own init container, whose log says for what.
func TestWaitsForStreams(t *testing.T) {
	r := start(t)
	r.deployment("l3", strings.Replace(nobody, "containers:", "initContainers: [{name: provisioned, image: x}]\n      containers:", 1), 3)
	r.eventually("the pods are made", func() bool { return len(r.pods("l3")) == 3 })
	r.fail("l3", "initContainerStatuses", "waits")
	r.must(1, []string{"INIT L3 3 pods: they wait for their init container provisioned", "logs hal9-l3-", "--container provisioned --tail 50"},
		"emergency", "scale", "--layer", "L3", "--replicas", "3", "--timeout", "4s", "--yes")
}
