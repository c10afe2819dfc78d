package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/internal/journal"
	"github.com/2lab-ai/hal9/internal/kube"
)

// otherFaults are those whose findings are tested on a real server or cluster; here they stand for their commands.
func otherFaults() []func(*Facts) {
	onNATS := func(change func(i *bus.Inspection)) func(*Facts) { return func(f *Facts) { change(f.NATS.Last) } }
	stands := func(stream int, name string) func(*Facts) {
		return onNATS(func(i *bus.Inspection) {
			c := &i.Streams[stream].Consumers[0]
			c.Pending, c.DeliveredAt = 5, three.Add(-time.Minute)
			if name != "" {
				c.Name = name
			}
		})
	}
	peers := func(peer bus.PeerView) func(*Facts) {
		return onNATS(func(i *bus.Inspection) {
			i.Streams[0].Group = bus.GroupView{Clustered: true, Leader: "n1", Peers: []bus.PeerView{peer}}
		})
	}
	return []func(*Facts){
		func(f *Facts) { f.NATS = &NATS{URL: "nats://10.0.0.1:4222", Error: "refused"} },
		func(f *Facts) { f.NATS = &NATS{URL: "nats://10.0.0.1:4222", Error: "no answer", Silent: true} },
		onNATS(func(i *bus.Inspection) { i.Provisioned = false }),
		onNATS(func(i *bus.Inspection) { i.Missing, i.Replicas = []string{"stream HAL9_L2"}, 3 }),
		onNATS(func(i *bus.Inspection) {
			i.Changed = []bus.Change{{Resource: "stream HAL9_L1", Diffs: []string{"discard: DiscardOld → DiscardNew"}}}
		}),
		onNATS(func(i *bus.Inspection) { i.Lost = []string{"HAL9_L3"} }),
		onNATS(func(i *bus.Inspection) { i.Streams[0].Bytes = 1 << 30 }),
		onNATS(func(i *bus.Inspection) {
			i.Streams = append(i.Streams, bus.StreamView{Name: "KV_hal9_tuning", Bytes: 99, MaxBytes: 100, Refuses: true})
		}),
		peers(bus.PeerView{Name: "n2; rm -rf $HOME", Offline: true}), peers(bus.PeerView{Name: "n2", Lag: 5000}),
		stands(0, ""), stands(0, "sink-chat"),
		func(f *Facts) { stands(0, "")(f); f.Processes, f.NATS.Census.Members = nil, nil },
		func(f *Facts) { f.Processes, f.NATS.Census.Members = nil, nil },
		func(f *Facts) { f.NATS.Dead = &dead.Summary{Letters: 3} }, func(f *Facts) { f.NATS.Dead, f.NATS.DeadAll = &dead.Summary{}, 3 },
		func(f *Facts) { f.Doors = []Door{{URL: "http://10.0.0.2:9099", Asked: true, Error: "refused"}} },
		func(f *Facts) { f.Kubernetes = &Kubernetes{Client: kube.NewClient(), Error: "refused"} },
		func(f *Facts) { inKubernetes(f); f.Kubernetes.Workloads, f.Options.Kubernetes = nil, KubernetesOn },
		func(f *Facts) { inKubernetes(f); f.Kubernetes.Killed = []string{"hal9-l3-a: OOMKilled"} },
		func(f *Facts) { inKubernetes(f); f.Kubernetes.Restarts = []string{"hal9-l3-a: 5 restarts"} },
		func(f *Facts) { inKubernetes(f); f.Kubernetes.Nodes = []string{"node-1 is not ready: gone"} },
		func(f *Facts) {
			inKubernetes(f)
			f.Kubernetes.Images = map[string]string{"hal9-l1": "a:1", "hal9-l2": "a:2"}
		},
		func(f *Facts) {
			inKubernetes(f)
			f.Kubernetes.Emergency = []emergencyLine{{Layer: "L3", Replicas: 20, Until: three.Add(time.Hour), By: "dave@discovery"}}
		},
		func(f *Facts) {
			f.Processes[0].Errors = []journal.Entry{{Level: "WARN", Message: "slow", Last: three, Count: 1}}
		},
	}
}

// reports returns one for each fault there is.
func reports() (list []*Report) {
	changes := otherFaults()
	for _, fault := range faults() {
		changes = append(changes, fault.change)
	}
	for _, change := range changes {
		f := calm()
		f.Options.NATS.URL, f.Options.NATS.CredsFile = "nats://dave:open-the-doors@10.0.0.1:4222", "/etc/hal9/nats creds"
		change(f)
		list = append(list, NewReport(f, nil))
	}
	return list
}

// programs are what lines of a script begin with.
var programs = regexp.MustCompile(`^(?:hal9|kubectl|nats|curl|df|du|dmesg|free|timedatectl) `)

// unfit is what a line must not hold that runs as it stands: what somebody must fill in, and what does not end.
var unfit = regexp.MustCompile(`\b(?:BYTES|HOST|FILE|NAME|POD|port-forward|rollout status)\b|--(?:watch|follow)\b`)

// TestScriptChangesNothing holds the script of every finding that there is to what its head promises.
func TestScriptChangesNothing(t *testing.T) {
	t.Parallel()
	goldentest.Check(t, "testdata/recovery.sh", Script(night()))
	seen, known := map[string]bool{}, map[string]bool{}
	for _, r := range append(reports(), night()) {
		for i := range r.Findings {
			seen[r.Findings[i].ID] = true
		}
		onlyLooks(t, r)
	}
	page, err := os.ReadFile("../../docs/emergency.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| finding |")
	for line := range strings.Lines(table) {
		names, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(names, -1) {
			if !seen[name[1]] {
				t.Errorf("docs/emergency.md knows the finding %s, whose commands are not looked at here", name[1])
			}
			known[name[1]] = true
		}
	}
	for name := range seen {
		if !known[name] {
			t.Errorf("docs/emergency.md does not know the finding %s", name)
		}
	}
}

func onlyLooks(t *testing.T, r *Report) {
	t.Helper()
	script := Script(r)
	path := filepath.Join(t.TempDir(), "recovery.sh")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", path).CombinedOutput(); err != nil {
		t.Errorf("sh -n: %v\n%s", err, out)
	}
	if strings.Contains(script, "open-the-doors") {
		t.Errorf("it holds the password:\n%s", script)
	}
	looks := []string{
		" get ", " describe ", " logs ", " top ", " status", "doctor", "--dry-run", "dead ls", " info ", "df ", "du ", "explain", "report", "dmesg", "free", "/readyz", "lint", "slo ls", "trends",
		"emergency restore", ": \"${HAL9_NATS:?",
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		harmless := false
		for _, word := range looks {
			harmless = harmless || strings.Contains(line+" ", word)
		}
		command, _, _ := strings.Cut(line, "   # ")
		if !harmless || strings.Contains(command, "--yes") {
			t.Errorf("not only a look: %s", line)
		}
		if !strings.HasPrefix(line, ": ") && !programs.MatchString(line) || unfit.MatchString(strings.ReplaceAll(command, "rollout status deployment --watch=false", "")) {
			t.Errorf("it can't be run as it stands, or does not end: %s", line)
		}
	}
}

// TestScriptAsksForTheAddress: without HAL9_NATS, which a password keeps out of the file, it stops at once and says so.
func TestScriptAsksForTheAddress(t *testing.T) {
	t.Parallel()
	f := calm()
	f.Options.NATS.URL = "nats://dave:open-the-doors@10.0.0.1:4222"
	cmd := exec.CommandContext(t.Context(), "sh", "-c", Script(NewReport(f, nil)))
	cmd.Env = []string{"PATH=/nowhere"}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "HAL9_NATS: say where NATS is") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestCommandsReachTheSamePlace has each kind of command name the NATS and the cluster that were looked at.
func TestCommandsReachTheSamePlace(t *testing.T) {
	t.Parallel()
	f := calm()
	inKubernetes(f)
	f.Options.NATS.CredsFile, f.Options.HTTP, f.Options.Asked, f.Options.Kubernetes = "/etc/hal9/nats creds", []string{"http://10.0.0.2:9099"}, true, KubernetesOn
	f.Kubernetes.Client = kube.Client{Program: "/opt/kube ctl", Context: "prod eu", Kubeconfig: "/etc/my conf", Namespace: "alarm"}
	const there = ` --kubectl '/opt/kube ctl' --kubeconfig '/etc/my conf' --context 'prod eu' --namespace alarm`
	const nats = ` --nats nats://10.0.0.1:4222 --nats-creds '/etc/hal9/nats creds'`
	for got, want := range map[string]string{
		f.again():                                   "hal9 doctor" + nats + " --http http://10.0.0.2:9099 --kubernetes on" + there,
		f.hal9("dead ls"):                           "hal9 dead ls" + nats,
		f.nats("account info"):                      `nats --server nats://10.0.0.1:4222 --creds '/etc/hal9/nats creds' account info`,
		f.kubectl("get pods"):                       `'/opt/kube ctl' --kubeconfig '/etc/my conf' --context 'prod eu' --namespace alarm get pods`,
		f.emergency("restore"):                      "hal9 emergency restore" + there,
		f.emergencyScale("--layer L3"):              "hal9 emergency scale --layer L3" + nats + there,
		(&Facts{Options: DefaultOptions()}).again(): "hal9 doctor",
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	// What is kubectl's comes first where HAL9 runs there, whatever the program is called.
	commands := []Command{run("hal9 run --layer L3", ""), look(f.kubectl("get pods"), "")}
	if f.fitting(commands); commands[0].Changes {
		t.Errorf("%+v", commands)
	}
}

// TestMoreProcessesWhereItRuns: in Kubernetes replicas are what shares a load, and a process without a layer has none to share.
func TestMoreProcessesWhereItRuns(t *testing.T) {
	t.Parallel()
	f := calm()
	if got := f.scaleOf(&f.Processes[1]); len(got) != 1 || !strings.HasPrefix(got[0].Run, "hal9 run --layer L3 ") {
		t.Errorf("%+v", got)
	}
	inKubernetes(f)
	if got := f.scaleOf(&f.Processes[1]); len(got) != 1 || !strings.HasPrefix(got[0].Run, "hal9 emergency scale --layer L3 ") {
		t.Errorf("%+v", got)
	}
	if got := f.scaleOf(&f.Processes[2]); len(got) != 0 {
		t.Errorf("web: %+v", got)
	}
}
