package kube

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded reads what kubectl answered about a cluster with one fault per Deployment.
func recorded(t *testing.T) *Scene {
	t.Helper()
	s := &Scene{}
	var objects List[Object]
	read(t, "testdata/scene.json", &objects)
	for i := range objects.Items {
		if err := s.add(&objects.Items[i]); err != nil {
			t.Fatal(err)
		}
	}
	var events List[Event]
	read(t, "testdata/events.json", &events)
	s.Events = events.Items
	return s
}

func read[T any](t *testing.T, path string, into *T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatHoldsPodsBack(t *testing.T) {
	t.Parallel()
	scene := recorded(t)
	for _, test := range []struct {
		workload string
		kind     HoldKind
		pods     int
		what     string
	}{
		{"hal9-big", HoldUnschedulable, 2, "no node takes them: too little cpu on 2 nodes"},
		{"hal9-img", HoldImage, 2, "image ghcr.io/2lab-ai/hal9:dev can't be pulled"},
		{"hal9-oom", HoldOOM, 2, "killed for want of memory (OOMKilled)"},
		{"hal9-crash", HoldCrash, 2, "they crash again and again, last with exit code 1"},
		{"hal9-probe", HoldProbe, 2, "they run and do not get ready: Readiness probe failed: HTTP probe failed with statuscode: 503"},
		{"hal9-quota", HoldQuota, 0, "3 pods can't be made: quota tight: requests.cpu=2001200m of requests.cpu=1001 used, a pod more asks for requests.cpu=900m"},
	} {
		w, holds := scene.Of(test.workload)
		if w == nil || len(holds) != 1 {
			t.Errorf("%s: %+v", test.workload, holds)
			continue
		}
		if h := holds[0]; h.Kind != test.kind || len(h.Pods) != test.pods || h.What != test.what || h.Detail == "" {
			t.Errorf("%s: %s, %d pods, %q; want %s, %d, %q", test.workload, h.Kind, len(h.Pods), h.What, test.kind, test.pods, test.what)
		}
	}
	if w, _ := scene.Of("hal9-nobody"); w != nil {
		t.Errorf("found %+v", w)
	}
}

func TestWhyNoNodeTakesAPod(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"0/5 nodes are available: 2 Insufficient cpu, 3 Insufficient memory. preemption: …":                                       "too little cpu on 2 nodes, too little memory on 3 nodes",
		"0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu.": "taint node-role.kubernetes.io/control-plane, too little cpu on 2 nodes",
		"0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.":                                                "anti-affinity",
		"0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.":                                        "topology spread constraints",
		"0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.":                                              "a volume claim without volume",
		"no nodes available to schedule pods":                                                                                     "no nodes available to schedule pods",
	} {
		if got := scheduling(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

// TestTroubles are texts of kubectl 1.32 against an API server 1.37.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Trouble{
		`The connection to the server 127.0.0.1:17442 was refused - did you specify the right host or port?`: TroubleUnreachable,
		`error: context "prod" does not exist`:                               TroubleUnreachable,
		`error: the server doesn't have a resource type "scaledobjects"`:     TroubleNoKind,
		`Error from server (NotFound): deployments.apps "hal9-l9" not found`: TroubleNotFound,
		`Error from server (Forbidden): deployments.apps is forbidden: User "dave" cannot list resource "deployments" in API group "apps" in the namespace "hal9"`:                 TroubleForbidden,
		`Error from server (Conflict): Operation cannot be fulfilled on deployments.apps "hal9-l3": the object has been modified; please apply your changes to the latest version`: TroubleConflict,
		`error: You must be logged in to the server (Unauthorized)`: TroubleForbidden,
		`Error from server (BadRequest): something else`:            TroubleOther,
	} {
		if got := classify(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	said := firstLines("E1126 03:00:00.123 memcache.go:265] couldn't get current server API group list\nThe connection was refused\nThe connection was refused\n")
	if said != "The connection was refused" {
		t.Errorf("kept %q", said)
	}
}

func TestNoKubectl(t *testing.T) {
	t.Parallel()
	c := NewClient()
	c.Program = "no-such-kubectl"
	if _, err := c.Run(t.Context(), "get", "pods"); err != ErrMissing { //nolint:errorlint // Nothing may wrap it: it is all that is said.
		t.Errorf("got %v", err)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Quantity{"2": 2000, "500m": 500, "4Gi": 4 << 30 * 1000, "1k": 1e6, "1.5": 1500, "1e3": 1e6, "0": 0} {
		if got, err := ParseQuantity(text); err != nil || got != want {
			t.Errorf("%s: %f, %v; want %f", text, float64(got), err, float64(want))
		}
	}
	for _, text := range []string{"", "x", "4Gx", "NaN", "--1", "m"} {
		if got, err := ParseQuantity(text); err == nil {
			t.Errorf("%q is read as %f", text, float64(got))
		}
	}
	if got := Quantity(4<<30*1000).Text("memory") + " " + Quantity(1500).Text("cpu"); got != "4 GiB 1.5" {
		t.Errorf("got %q", got)
	}
}

// TestHoldsNameTheirContainer reads pods as a kubelet says them: what waits before HAL9 runs, and what runs beside it.
func TestHoldsNameTheirContainer(t *testing.T) {
	t.Parallel()
	const running = `"state":{"running":{"startedAt":"2026-11-27T03:00:00Z"}}`
	const waiting = `{"name":"hal9","ready":false,"state":{"waiting":{"reason":"PodInitializing"}}}`
	for _, test := range []struct {
		name, phase, init, containers string
		kind                          HoldKind
		container, what               string
		logs                          string
	}{
		{
			"streams are missing", "Pending", `{"name":"provisioned","ready":false,` + running + `}`, waiting,
			HoldInit, "provisioned", "they wait for their init container provisioned", "logs p --container provisioned",
		},
		{
			"it gave up", "Pending", `{"name":"provisioned","ready":false,"restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1}}}`, waiting,
			HoldCrash, "provisioned", "they crash again and again, last with exit code 1", "logs p --container provisioned --previous",
		},
		{
			"a sidecar runs all along", "Pending", `{"name":"mesh","ready":true,` + running + `}`, waiting,
			HoldStarting, "", "they start", "",
		},
		{
			"beside a sidecar", "Running", "", `{"name":"mesh","ready":true,` + running + `},{"name":"hal9","ready":false,` + running + `}`,
			HoldProbe, "hal9", "they run and do not get ready: statuscode: 503", "logs p --container hal9",
		},
	} {
		var p Pod
		if err := json.Unmarshal([]byte(`{"metadata":{"name":"p"},"status":{"phase":"`+test.phase+`","initContainerStatuses":[`+test.init+`],"containerStatuses":[`+test.containers+`]}}`), &p); err != nil {
			t.Fatal(err)
		}
		h := holdOf(&p, []Event{{InvolvedObject: Ref{Name: "p"}, Reason: "Unhealthy", Message: "statuscode: 503"}})
		logs := ""
		if ways := h.Logs(); len(ways) > 0 {
			logs = strings.Join(ways[0], " ")
		}
		if h.Kind != test.kind || h.Container != test.container || h.What != test.what || logs != test.logs {
			t.Errorf("%s: %s of %q, %q, %q; want %s of %q, %q, %q", test.name, h.Kind, h.Container, h.What, logs, test.kind, test.container, test.what, test.logs)
		}
	}
}

// FuzzHolds holds that nothing that the API server may send stops the diagnosis.
func FuzzHolds(f *testing.F) {
	data, err := os.ReadFile("testdata/scene.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(_ *testing.T, data []byte) {
		var list List[Object]
		if json.Unmarshal(data, &list) != nil {
			return
		}
		s := &Scene{}
		for i := range list.Items {
			_ = s.add(&list.Items[i])
		}
		for i := range s.Workloads {
			s.Of(s.Workloads[i].Metadata.Name)
		}
	})
}

// TestCommandsAreQuoted holds that what is suggested does what it says when it is pasted, with the kubectl that was named.
func TestCommandsAreQuoted(t *testing.T) {
	t.Parallel()
	c := Client{Program: "/opt/my tools/kubectl", Context: "prod eu", Kubeconfig: "/home/dave/my config", Namespace: "night"}
	const where = ` --kubeconfig '/home/dave/my config' --context 'prod eu' --namespace night`
	for got, want := range map[string]string{
		c.Command("patch", "so", "x", "--patch", `{"a":"it's"}`): `'/opt/my tools/kubectl'` + where + ` patch so x --patch '{"a":"it'\''s"}'`,
		c.Flags():                            ` --kubectl '/opt/my tools/kubectl'` + where,
		NewClient().Command("get", "pods"):   `kubectl --namespace hal9 get pods`,
		NewClient().Flags():                  "",
		(Client{}).Command("get", "pods"):    `kubectl get pods`,
		Quote("hal9", "", "two words", "$x"): `hal9 '' 'two words' '$x'`,
	} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestLateAnswersAreAskedForAgain has a kubectl that does not answer the first time.
func TestLateAnswersAreAskedForAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kubectl")
	script := "#!/bin/sh\necho x >> " + dir + "/count\nif [ $(wc -l < " + dir + "/count) = 1 ]; then echo 'Unable to connect to the server: context deadline exceeded' >&2; exit 1; fi\necho '{}'\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	c := NewClient()
	c.Program = path
	if _, err := Get[List[Pod]](t.Context(), c, "pods"); err != nil {
		t.Errorf("asked twice: %v", err)
	}
	for _, try := range []struct {
		again int
		args  []string
	}{{0, []string{"get", "pods"}}, {1, []string{"patch", "pod", "x"}}} {
		if err := os.Remove(dir + "/count"); err != nil {
			t.Fatal(err)
		}
		c.Again = try.again
		if _, err := c.Run(t.Context(), try.args...); TroubleOf(err) != TroubleUnreachable {
			t.Errorf("%v: %v", try, err)
		}
	}
}
