package doctor

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// cluster has kubectl answer as it did about a real cluster (../kube/testdata), but for what a script says before. The
// script knows $1, all words in one, and $dir, a folder of its own.
func cluster(t *testing.T, before string) Options {
	t.Helper()
	recorded, err := filepath.Abs("../kube/testdata")
	if err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
dir=` + t.TempDir() + `
set -- "$*"
` + before + `
case "$1" in
*"config view"*) echo '{"contexts":[{"name":"prod","context":{"cluster":"prod","user":"dave"}}],"clusters":[{"name":"prod","cluster":{"server":"https://10.0.0.1:6443"}}]}' ;;
*"auth whoami"*) echo '{"status":{"userInfo":{"username":"dave"}}}' ;;
*"get --output json events"*) cat ` + recorded + `/events.json ;;
*"get --output json deployments.apps,statefulsets.apps"*) cat ` + recorded + `/scene.json ;;
*) echo '{"items":[]}' ;;
esac
`
	program := filepath.Join(t.TempDir(), "kubectl")
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	opts := options("nats://127.0.0.1:1")
	opts.Kubernetes, opts.Kube = KubernetesOn, kube.NewClient()
	opts.Kube.Program = program
	return opts
}

func seen(t *testing.T, opts Options) (*Facts, *Report) {
	t.Helper()
	facts := Examine(t.Context(), opts, slog.New(slog.DiscardHandler))
	return facts, NewReport(facts, nil)
}

// TestForbiddenAutoscalers: who may not see ScaledObjects still sees what holds pods back.
func TestForbiddenAutoscalers(t *testing.T) {
	t.Parallel()
	facts, r := seen(t, cluster(t, `case "$1" in *scaledobject.keda.sh*)
	echo 'Error from server (Forbidden): scaledobjects.keda.sh is forbidden: User "dave" cannot list resource "scaledobjects"' >&2; exit 1 ;;
esac`))
	r.without(t, "kubernetes-unreachable", "kubernetes-empty")
	f := finding(t, r, "pods")
	f.holds(t, SeverityCritical, "hal9-")
	if !slices.ContainsFunc(facts.Looked, func(l Look) bool {
		return l.What == "autoscalers and emergencies" && !l.OK && strings.HasPrefix(l.Detail, "Error from server (Forbidden): scaledobjects.keda.sh is forbidden")
	}) {
		t.Errorf("nobody says that autoscalers were not looked at: %+v", facts.Looked)
	}
}

// TestLogsAreReadSideBySide has each log wait for the other one.
func TestLogsAreReadSideBySide(t *testing.T) {
	t.Parallel()
	facts, _ := seen(t, cluster(t, `case "$1" in *" logs "*)
	touch "$dir/$$"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$(ls "$dir" | wc -l)" -ge 2 ] && echo together && exit
		sleep 0.1
	done
	echo alone; exit ;;
esac`))
	read := 0
	for _, w := range facts.Kubernetes.Workloads {
		for _, h := range w.Holds {
			if len(h.Log) > 0 {
				read++
				if h.Log[0] != "together" {
					t.Errorf("%s: its log was read %s", w.Name, h.Log[0])
				}
			}
		}
	}
	if read != 2 {
		t.Errorf("%d logs were read, want those of the crash and of the probe", read)
	}
}

// TestKubernetesThatHangs keeps nobody waiting.
func TestKubernetesThatHangs(t *testing.T) {
	t.Parallel()
	began := time.Now()
	_, r := seen(t, cluster(t, "exec sleep 60"))
	if took := time.Since(began); took > kubeTime+3*time.Second {
		t.Errorf("it took %s", took)
	}
	f := finding(t, r, "kubernetes-unreachable")
	f.holds(t, SeverityCritical, "no answer within 15s")
	if r.State != StateUnknown || r.ExitCode() != 2 {
		t.Errorf("%s, exit code %d", r.State, r.ExitCode())
	}
}

// TestNothingThere: a cluster without HAL9 is no HAL9 that works.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	_, r := seen(t, cluster(t, `case "$1" in *" get "*) echo '{"items":[]}'; exit ;; esac`))
	f := finding(t, r, "kubernetes-empty")
	f.holds(t, SeverityCritical, "nothing of HAL9 runs in namespace hal9 of https://10.0.0.1:6443")
	f = finding(t, r, "nats-unreachable")
	f.holds(t, SeverityCritical)
	if r.State != StateUnknown || r.ExitCode() != 2 {
		t.Errorf("%s, exit code %d", r.State, r.ExitCode())
	}
}

// TestComfortKnowsNATS: that it works is said only by one who looked at NATS.
func TestComfortKnowsNATS(t *testing.T) {
	t.Parallel()
	for _, seen := range []bool{true, false} {
		f := calm()
		inKubernetes(f)
		f.Processes[1].Ready = false
		if !seen {
			f.NATS, f.Looked = &NATS{URL: "nats://127.0.0.1:4222", Error: "refused"}, []Look{{What: "NATS", Detail: "refused"}}
		}
		r := NewReport(f, nil)
		if _, comfort := words(r); r.State != StateTrouble || strings.Contains(comfort, "It works") != seen {
			t.Errorf("NATS seen %t, %s: %q", seen, r.State, comfort)
		}
	}
}
