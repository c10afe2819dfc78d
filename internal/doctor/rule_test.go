package doctor

import (
	"maps"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/internal/journal"
	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

var three = time.Date(2026, 11, 27, 3, 12, 44, 0, time.UTC)

// calm are facts of a HAL9 that is well: three processes on one server.
func calm() *Facts {
	process := func(name string, running ...string) Process {
		return Process{Name: name, Via: "NATS", Version: "v1.2", Commit: "abc", Layers: running, Ready: true, Memory: host.Memory{Resident: 100 << 20, Limit: 1 << 30, Heap: 50 << 20}}
	}
	last := &bus.Inspection{At: three, Provisioned: true, Partitions: 1, Replicas: 1, Server: bus.ServerView{Name: "n1", Version: "2.15.2"}}
	census := &bus.Census{Owners: map[string]string{}}
	for _, layer := range layers.Names() {
		for _, key := range pipeline.StagesOf(layer, 1) {
			last.Streams = append(last.Streams, bus.StreamView{
				Name: key.Stream(), MaxBytes: 1 << 30, Refuses: true,
				Consumers: []bus.ConsumerView{{Stream: key.Stream(), Name: key.Durable(), Durable: true, DeliveredAt: three, Created: three.Add(-time.Hour)}},
			})
			census.Owners[key.Name()] = "pod-a/1/x"
		}
	}
	census.Members = []bus.Member{{Owner: "pod-a/1/x", Layers: []string{"L1", "L2", "L3", "L4", "L5"}}}
	queues := map[layers.Name]bus.Load{}
	for _, layer := range layers.Names() {
		queues[layer] = bus.Load{}
	}
	opts := DefaultOptions()
	opts.NATS.URL = "nats://10.0.0.1:4222"
	return &Facts{
		At: three, Options: opts,
		NATS:      &NATS{URL: "nats://10.0.0.1:4222", First: last, Last: last, Apart: 2 * time.Second, Census: census, FirstQueues: queues, LastQueues: queues},
		Processes: []Process{process("pod-a/1/x", "L1", "L2", "L3", "L4", "L5"), process("pod-b/1/y", "L3"), process("pod-c/1/z")},
		Looked:    []Look{{What: "NATS", OK: true}, {What: "kernel log", Detail: "/dev/kmsg: permission denied"}},
	}
}

// behind has L3 work slower than signals come.
func behind(f *Facts) {
	f.NATS.FirstQueues = map[layers.Name]bus.Load{layers.NameL3: {Waiting: 12_000, Working: 162, Oldest: 14 * time.Minute}}
	f.NATS.LastQueues = map[layers.Name]bus.Load{
		layers.NameL1: {}, layers.NameL2: {Waiting: 3, Oldest: time.Second}, layers.NameL3: {Waiting: 12_240, Working: 162, Oldest: 14 * time.Minute}, layers.NameL4: {}, layers.NameL5: {},
	}
}

// inKubernetes says that all of it runs there.
func inKubernetes(f *Facts) {
	f.Kubernetes = &Kubernetes{
		Place: kube.Place{Cluster: "prod"}, Client: kube.NewClient(),
		Workloads: []WorkloadLine{
			{Name: "hal9-l1", Kind: "Deployment", Wanted: 5, Ready: 5}, {Name: "hal9-l3", Kind: "Deployment", Wanted: 5, Ready: 5}, {Name: "hal9-nats", Kind: "StatefulSet", Wanted: 3, Ready: 3},
		},
	}
}

func TestCalm(t *testing.T) {
	t.Parallel()
	r := NewReport(calm(), nil)
	if r.State != StateHealthy || r.ExitCode() != 0 || len(r.Findings) > 0 || r.Verdict != "HEALTHY" {
		t.Errorf("%s, %q:%s", r.State, r.Verdict, show(r))
	}
}

// fault is what is wrong, and what must be said of it.
type fault struct {
	id       string
	severity Severity
	change   func(f *Facts)
	want     []string
}

func faults() []fault {
	return []fault{
		{"behind", SeverityCritical, behind, []string{"L3 is behind: the oldest of 12,402 signals is 14m old", "it grows by 120 signals a second", "hal9 run --layer L3 --nats"}},
		{"behind", SeverityCritical, func(f *Facts) { behind(f); inKubernetes(f) }, []string{"hal9 emergency scale --layer L3"}},
		{"behind", SeverityWarning, func(f *Facts) {
			behind(f)
			f.NATS.FirstQueues[layers.NameL3] = bus.Load{Waiting: 14_402, Oldest: 14 * time.Minute}
		}, []string{"it shrinks by 1,000 a second: empty in about 12s"}},
		{"unmeasured", SeverityWarning, func(f *Facts) {
			f.NATS.LastQueues = maps.Clone(f.NATS.LastQueues)
			delete(f.NATS.LastQueues, layers.NameL3)
			f.NATS.Last.Streams[3].Consumers[0].Pending, f.NATS.Last.Streams[3].Consumers[0].AckPending = 12_000, 162
		}, []string{"what waits for L3 could not be measured", "12,000 messages wait, 162 taken", "2 live processes"}},
		{"behind", SeverityCritical, func(f *Facts) { behind(f); f.NATS.FirstQueues = nil }, []string{"could be measured only once"}},
		{"ownerless", SeverityWarning, func(f *Facts) { delete(f.NATS.Census.Owners, "L4.00") }, []string{"L4: 1 of 1 partition without an owner", "L4.00"}},
		{"version-skew", SeverityWarning, func(f *Facts) { f.Processes[1].Version = "v1.1" }, []string{"2 versions", "v1.1 (abc): L3 pod-b/1/y"}},
		{"clock-skew", SeverityWarning, func(f *Facts) { f.Processes[1].Skew = -90 * time.Second }, []string{"L3 pod-b/1/y: 1m30s behind of this machine"}},
		{"clock-skew", SeverityWarning, func(f *Facts) { f.NATS.Last.Skew = 3 * time.Second }, []string{"NATS server n1: 3s ahead"}},
		{"not-ready", SeverityWarning, func(f *Facts) { f.Processes[1].Ready, f.Processes[1].Failing = false, []string{"nats: gone"} }, []string{"L3 pod-b/1/y is not ready", "nats: gone"}},
		{"not-ready", SeverityWarning, func(f *Facts) { f.Processes[2].Ready, f.Processes[2].Role = false, "scaler" }, []string{"scaler pod-c/1/z is not ready"}},
		{"memory", SeverityWarning, func(f *Facts) { f.Processes[1].Memory.Resident = 1000 << 20 }, []string{"L3 pod-b/1/y has used 98 % of its memory", "1000.0 MiB of 1.0 GiB"}},
		{"memory", SeverityWarning, func(f *Facts) { f.Processes[1].Memory.GoLimit = 51 << 20 }, []string{"at its GOMEMLIMIT"}},
		{"oom-kill", SeverityWarning, func(f *Facts) { f.Processes[1].Memory.OOMKills = 2 }, []string{"oom_kill 2", "bound 1.0 GiB"}},
		{"oom-kill", SeverityCritical, func(f *Facts) {
			f.Host = &Host{Kills: []host.Kill{{At: three.Add(-5 * time.Minute), PID: 7, Process: "nats-server"}}}
		}, []string{"the kernel killed nats-server for want of memory 5m ago", "this machine's memory"}},
		{"disk-full", SeverityCritical, func(f *Facts) { f.Host = &Host{Disk: &host.Disk{Path: "/data", Total: 100 << 30, Free: 3 << 30}} }, []string{"3 % left", "3.0 GiB of 100.0 GiB"}},
		{"disk-full", SeverityWarning, func(f *Facts) { f.Host = &Host{Disk: &host.Disk{Path: "/data", Total: 100 << 30, Free: 9 << 30}} }, []string{"9 % left"}},
		{"account-full", SeverityWarning, func(f *Facts) { f.NATS.Last.Account = bus.AccountView{Store: 85, MaxStore: 100} }, []string{"85 % of its disk"}},
		{"paused", SeverityWarning, func(f *Facts) { f.NATS.Last.Streams[0].Consumers[0].Paused = true }, []string{"l1 on HAL9_L1 is paused", "nats --server nats://10.0.0.1:4222 consumer resume HAL9_L1 l1"}},
		{"objective", SeverityWarning, func(f *Facts) {
			f.NATS.Objectives = []strategic.Report{{Objective: "latency", Target: 0.999, Window: 720 * time.Hour, Good: 900, Total: 1000, BudgetRemaining: -99}}
		}, []string{"objective latency has spent its error budget", "900 of 1,000 good in 30d, target 99.90 %"}},
		{"errors", SeverityWarning, func(f *Facts) {
			f.Processes[1].Errors = []journal.Entry{{Level: "ERROR", Message: "stage failed", Detail: "error=boom token=abc", Last: three.Add(-time.Minute), Count: 41}}
			f.Processes[0].Errors = []journal.Entry{{Level: "ERROR", Message: "stage failed", Last: three.Add(-2 * time.Minute), Count: 1}, {Level: "ERROR", Message: "old", Last: three.Add(-time.Hour), Count: 9}}
		}, []string{"42 errors logged, the last 1m ago", "42 × stage failed", "token=[redacted]"}},
		{"scaler-silent", SeverityWarning, func(f *Facts) {
			f.NATS.Last.Streams = append(f.NATS.Last.Streams, bus.StreamView{Name: pipeline.StreamScaling, Messages: 9, LastStored: three.Add(-10 * time.Minute)})
		}, []string{"decided nothing for 10m", "hal9 scaler explain L3"}},
		{"pods", SeverityCritical, func(f *Facts) {
			inKubernetes(f)
			f.Kubernetes.Workloads[1] = WorkloadLine{Name: "hal9-l3", Wanted: 5, Holds: []kube.Hold{{Kind: kube.HoldOOM, Pods: []string{"hal9-l3-a-b"}, What: "killed for want of memory (OOMKilled)", Detail: "exit code 137"}}}
		}, []string{"hal9-l3: 0 of 5 pods ready: killed for want of memory", "exit code 137", "set resources deployment/hal9-l3"}},
		{"scaler-paused", SeverityWarning, func(f *Facts) {
			inKubernetes(f)
			f.Kubernetes.Scalers = []ScalerLine{{Name: "hal9-l3", Ready: "True", Paused: "paused-replicas: 5"}}
		}, []string{"hal9-l3 is paused: nothing scales it", "annotate scaledobject hal9-l3 autoscaling.keda.sh/paused-replicas-"}},
		{"scaler-fails", SeverityWarning, func(f *Facts) {
			inKubernetes(f)
			f.Kubernetes.Scalers = []ScalerLine{{Name: "hal9-l3", Ready: "False no connection", Fallback: true}}
		}, []string{"KEDA gets no metric", "logs deployment/hal9-scaler"}},
		{"scaler-at-max", SeverityWarning, func(f *Facts) {
			inKubernetes(f)
			behind(f)
			f.Kubernetes.Scalers = []ScalerLine{{Name: "hal9-l3", Ready: "True", AtMost: true, Max: 30}}
		}, []string{"all 30 replicas", "hal9 emergency scale --layer L3 --replicas 60"}},
		{"emergency-expired", SeverityWarning, func(f *Facts) {
			inKubernetes(f)
			f.Kubernetes.Emergency = []emergencyLine{{Layer: "L3", Replicas: 20, Until: three.Add(-time.Hour), By: "dave@discovery"}}
		}, []string{"L3 still has 20 replicas", "taken back 1h ago", "hal9 emergency restore --yes"}},
		{"nats-unreachable", SeverityWarning, func(f *Facts) {
			inKubernetes(f)
			f.NATS = &NATS{URL: "nats://127.0.0.1:4222", Error: "refused"}
		}, []string{"port-forward service/hal9-nats"}},
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, test := range faults() {
		f := calm()
		test.change(f)
		r := NewReport(f, nil)
		found := finding(t, r, test.id)
		found.holds(t, test.severity, test.want...)
		if r.State != StateTrouble || r.ExitCode() != 1 {
			t.Errorf("%s: %s", test.id, r.State)
		}
	}
}

// TestNotesAreNoTrouble keeps exit code 0 for what is only good to know.
func TestNotesAreNoTrouble(t *testing.T) {
	t.Parallel()
	f := calm()
	inKubernetes(f)
	f.Kubernetes.Emergency = []emergencyLine{{Layer: "L3", Replicas: 20, Until: three.Add(time.Hour), By: "dave@discovery"}}
	f.Kubernetes.Scalers = []ScalerLine{{Name: "hal9-l3", Ready: "True", Paused: "paused-replicas: 20"}}
	f.Processes[0].Errors = []journal.Entry{{Level: "WARN", Message: "slow", Last: three, Count: 1}}
	r := NewReport(f, nil)
	if r.State != StateHealthy || len(r.Findings) != 2 {
		t.Errorf("%s:%s", r.State, show(r))
	}
}

// TestMovingIsNotStalled needs both looks: what was delivered or acknowledged in between does not stand still.
func TestMovingIsNotStalled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(first, last *bus.ConsumerView)
		stands bool
	}{
		{"stands", func(_, _ *bus.ConsumerView) {}, true},
		{"looked at once", func(_, _ *bus.ConsumerView) {}, false},
		{"delivered", func(_, last *bus.ConsumerView) { last.Delivered++ }, false},
		{"acknowledged", func(_, last *bus.ConsumerView) { last.AckFloor++ }, false},
		{"had nothing to do at first", func(first, _ *bus.ConsumerView) { first.Pending = 0 }, false},
		{"has nothing to do any more", func(_, last *bus.ConsumerView) { last.Pending = 0 }, false},
		{"paused", func(_, last *bus.ConsumerView) { last.Paused = true }, false},
		{"delivered lately", func(_, last *bus.ConsumerView) { last.DeliveredAt = three.Add(-time.Second) }, false},
	} {
		f := calm()
		first, last := *f.NATS.First, *f.NATS.Last
		view := f.NATS.Last.Streams[0]
		consumer := view.Consumers[0]
		consumer.Pending, consumer.Delivered, consumer.AckFloor, consumer.DeliveredAt = 5, 10, 10, three.Add(-time.Minute)
		before, after := consumer, consumer
		test.change(&before, &after)
		one, two := view, view
		one.Consumers, two.Consumers = []bus.ConsumerView{before}, []bus.ConsumerView{after}
		first.Streams, last.Streams = []bus.StreamView{one}, []bus.StreamView{two}
		f.NATS.First, f.NATS.Last = &first, &last
		if test.name == "looked at once" {
			f.NATS.First, f.NATS.Apart = f.NATS.Last, 0
		}
		if got := NewReport(f, nil).found("stalled"); got != test.stands {
			t.Errorf("%s: stalled %t, want %t", test.name, got, test.stands)
		}
	}
}

// TestUnmeasuredIsNotAbsent: that nothing waits is said only of a layer whose queue could be measured.
func TestUnmeasuredIsNotAbsent(t *testing.T) {
	t.Parallel()
	for _, measured := range []bool{true, false} {
		f := calm()
		f.Processes, f.NATS.Census.Members = nil, nil
		if !measured {
			f.NATS.LastQueues = nil
		}
		r := NewReport(f, nil)
		if got := r.found("absent"); got != measured {
			t.Errorf("measured %t: absent %t", measured, got)
		}
		if got := r.found("unmeasured"); got == measured {
			t.Errorf("measured %t: unmeasured %t", measured, got)
		}
	}
}

// TestServersClock: what a server whose clock is an hour behind says of times is compared with that clock.
func TestServersClock(t *testing.T) {
	t.Parallel()
	const skew = -time.Hour
	server := three.Add(skew)
	f := calm()
	f.NATS.Last.Skew = skew
	consumer := &f.NATS.Last.Streams[0].Consumers[0]
	consumer.Pending, consumer.Created, consumer.DeliveredAt = 5, server.Add(-time.Hour), server.Add(-time.Second)
	f.NATS.Last.Streams = append(f.NATS.Last.Streams, bus.StreamView{Name: pipeline.StreamScaling, Messages: 9, LastStored: server.Add(-time.Second)})
	NewReport(f, nil).without(t, "stalled", "scaler-silent")
	consumer.DeliveredAt = server.Add(-time.Minute)
	stalled := finding(t, NewReport(f, nil), "stalled")
	stalled.holds(t, SeverityCritical, "last delivered 1m ago")

	queues := aged(map[layers.Name]bus.Load{layers.NameL1: {}, layers.NameL3: {Waiting: 1, Oldest: time.Hour + time.Second}}, skew)
	if queues[layers.NameL1].Oldest != 0 || queues[layers.NameL3].Oldest != time.Second {
		t.Errorf("%+v", queues)
	}

	f = calm()
	f.Processes[1].Skew = skew
	f.Processes[1].Errors = []journal.Entry{{Level: "ERROR", Message: "stage failed", Last: server.Add(-time.Minute), Count: 1}}
	logged := finding(t, NewReport(f, nil), "errors")
	logged.holds(t, SeverityWarning, "the last 1m ago")
}
