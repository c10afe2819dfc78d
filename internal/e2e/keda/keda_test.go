package keda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// binary is the program under test.
var binary proctest.Builder

func TestMain(m *testing.M) {
	code := m.Run()
	binary.Remove()
	os.Exit(code)
}

// What differs from production is shorter or smaller, so that a small machine gets through in minutes.
const (
	least, most  = 2, 8
	drain        = 20 * time.Second
	podStart     = 5 * time.Second
	upPods       = 4
	upEvery      = 15 * time.Second
	downPods     = 2
	downEvery    = 15 * time.Second
	settle       = 30 * time.Second
	fallbackPods = 3
	cpuPercent   = 12 // of a CPU for each replica
)

// nodesOf returns how many NATS servers to run: 3, or fewer where KEDA_E2E_NODES says so, as for machines on which three starve each other.
func nodesOf(t *testing.T) int {
	t.Helper()
	nodes := 3
	if text := os.Getenv("KEDA_E2E_NODES"); text != "" {
		if _, err := fmt.Sscan(text, &nodes); err != nil || nodes != 1 && nodes != 3 {
			t.Fatalf("KEDA_E2E_NODES=%s: want 1 or 3", text)
		}
	}
	return nodes
}

// startNATS returns the addresses of so many servers, and what stops them.
func startNATS(t *testing.T, nodes int) (urls []string, stop func()) {
	t.Helper()
	cfg, log := natsserver.DefaultConfig(), slog.New(slog.DiscardHandler)
	cfg.DataDir, cfg.Port = t.TempDir(), 0
	if nodes == 1 {
		server, err := natsserver.Start(cfg, log)
		if err != nil {
			t.Fatal(err)
		}
		return []string{server.URL()}, server.Stop
	}
	cluster, err := natsserver.StartCluster(t.Context(), cfg, nodes, log)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range cluster.Nodes() {
		urls = append(urls, node.URL())
	}
	return urls, cluster.Stop
}

// config is hal9.yaml: many neurons that look for the words of the flood make the layer slow.
func config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scaling: {min: %d, max: %d, drain: %s, latency: 2m, pod_start: %s, rate: 100}\nneurons:\n", least, most, drain, podStart)
	words := strings.Fields(strings.Join(texts(), ""))
	for n := range 1000 {
		fmt.Fprintf(&b, "  - {name: n%d, threshold: 20, weights: {", n)
		for w := range 20 {
			fmt.Fprintf(&b, "%s: 1, ", words[(n*20+w)%len(words)])
		}
		b.WriteString("other: 1}}\n")
	}
	return b.String()
}

// scaledObject is the layer's, with the times of this test.
func scaledObject(triggers []map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": map[string]any{"name": "hal9-l2", "namespace": namespace},
		"spec": map[string]any{
			"scaleTargetRef":  map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "hal9-l2"},
			"minReplicaCount": least, "maxReplicaCount": most, "pollingInterval": 5, "triggers": triggers,
			"fallback": map[string]any{"failureThreshold": 3, "replicas": fallbackPods, "behavior": "currentReplicasIfHigher"},
			"advanced": map[string]any{"horizontalPodAutoscalerConfig": map[string]any{"behavior": map[string]any{
				"scaleUp": map[string]any{"stabilizationWindowSeconds": 0, "policies": []any{
					map[string]any{"type": "Pods", "value": upPods, "periodSeconds": int(upEvery.Seconds())},
				}},
				"scaleDown": map[string]any{"stabilizationWindowSeconds": int(settle.Seconds()), "policies": []any{
					map[string]any{"type": "Pods", "value": downPods, "periodSeconds": int(downEvery.Seconds())},
				}},
			}}},
		},
	}
}

// applyProduction puts the production overlay into the cluster.
func applyProduction(t *testing.T) {
	t.Helper()
	kubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "../../../deploy/overlays/production")
	t.Cleanup(func() { kubectl(t, "delete", "namespace", namespace, "--wait=true", "--ignore-not-found") })
	kubectl(t, "rollout", "status", "deployment/hal9-l2", "-n", namespace, "--timeout=120s")
}

// run is one flood and what came of it.
type run struct {
	replicas *sizes
	sender   *sender
	rate     float64 // of one replica before the flood, signals/s
	signals  int
	need     int // replicas that the flood needs
	began    time.Time
	drained  time.Time
}

// TestHAL9ScalesRealProcesses is the promise; TestStockTriggerBeside shows what KEDA's own trigger makes of the same.
func TestHAL9ScalesRealProcesses(t *testing.T) {
	needCluster(t)
	applyProduction(t)
	nodes := nodesOf(t)
	urls, stop := startNATS(t, nodes)
	stopNATS := sync.OnceFunc(stop)
	t.Cleanup(stopNATS)
	s := newStand(t, &binary, strings.Join(urls, ","), config())
	s.once("provision", "--partitions", strconv.Itoa(partitions), "--replicas", strconv.Itoa(nodes))
	at := s.start("scaler", "--listen", "127.0.0.1:0", "--every", "1s", "--fresh", "10s")
	apply(t, scaledObject([]map[string]any{{
		"type": "external-push", "metricType": "AverageValue", "metadata": map[string]any{"scalerAddress": at.GRPC, "layer": flooded},
	}}))
	r := s.flood(urls[0], func(float64) {})
	r.report(t, "hal9 scaler")
	r.check(t)
	r.checkDown(t)
	r.sender.allAnswered()
	checkFallback(t, r.replicas, stopNATS)
}

// flood brings the layer up with its real processes, measures one, floods and waits until all is worked off and the layer is small again.
// measured is told what one replica does.
func (s *stand) flood(url string, measured func(rate float64)) *run {
	t := s.t
	t.Helper()
	for _, layer := range []string{"L1", "L3", "L4", "L5"} {
		s.start("run", "--layer", layer)
	}
	r := &run{replicas: follow(t, "hal9-l2"), sender: newSender(t, url)}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); s.podsFollow(ctx, r.replicas, cpuPercent) }()
	t.Cleanup(func() { stop(); <-done })
	until(t, 5*time.Minute, "the minimum of replicas", func() bool {
		now := r.replicas.now()
		return now.wants == least && now.ready == least && s.count() == least
	})
	r.rate = s.measure(r.sender)
	measured(r.rate)
	until(t, 5*time.Minute, "quiet", func() bool { // So that what was measured by is forgotten.
		d, ok := r.sender.decided()
		return ok && d.Wanted == least && r.replicas.now().wants == least && time.Since(d.At) < 3*time.Second
	})
	r.signals = int(r.rate * drain.Seconds() * 4)
	r.need = int(math.Ceil(float64(r.signals) / (r.rate * drain.Seconds())))
	t.Logf("one replica does %.0f signals/s; %d signals are to be worked off in %s: %d replicas", r.rate, r.signals, drain, r.need)
	r.began = time.Now()
	r.sender.send(r.signals)
	r.drained = until(t, 10*time.Minute, "everything worked off", func() bool {
		d, ok := r.sender.decided()
		return ok && d.At.After(r.began) && time.Since(r.began) > 10*time.Second && d.unfinished() == 0
	})
	until(t, 10*time.Minute, "the minimum of replicas again", func() bool { return r.replicas.now().wants == least })
	return r
}

// measure returns what one replica does: from floods that the processes at their minimum are busy with for a while. The layer must not grow
// meanwhile, so the autoscaler is paused.
func (s *stand) measure(from *sender) float64 {
	t := s.t
	t.Helper()
	kubectl(t, "annotate", "scaledobject", "hal9-l2", "-n", namespace, "autoscaling.keda.sh/paused-scale-out=true", "--overwrite")
	defer kubectl(t, "annotate", "scaledobject", "hal9-l2", "-n", namespace, "autoscaling.keda.sh/paused-scale-out-")
	rate := 0.0
	for signals := 400; rate == 0; signals *= 2 {
		if signals > 50_000 {
			t.Fatal("the layer is too fast to be measured")
		}
		began := time.Now()
		from.send(signals)
		until(t, 5*time.Minute, "a small flood worked off", func() bool {
			d, ok := from.decided()
			return ok && d.At.After(began.Add(3*time.Second)) && d.unfinished() == 0
		})
		if took := time.Since(began) - time.Second; took > 20*time.Second { // A decision is half a second old, and what asks as well.
			rate = float64(signals) / took.Seconds() / least
		}
	}
	return rate
}

// report says what happened, in figures.
func (r *run) report(t *testing.T, name string) {
	t.Helper()
	peak, first, podSeconds := 0, time.Duration(0), 0.0
	list := r.replicas.since(r.began)
	end := time.Now()
	for i, at := range list {
		peak = max(peak, at.wants)
		if first == 0 && at.wants > least {
			first = at.at.Sub(r.began)
		}
		until := end
		if i+1 < len(list) {
			until = list[i+1].at
		}
		from := at.at
		if from.Before(r.began) {
			from = r.began
		}
		podSeconds += float64(at.ready) * until.Sub(from).Seconds()
		t.Logf("%s: %6.1fs wants %d, ready %d", name, at.at.Sub(r.began).Seconds(), at.wants, at.ready)
	}
	t.Logf("%s: reaction %.1fs, peak %d of %d needed, drained after %.1fs, back at the minimum after %.1fs, %.0f pod-seconds",
		name, first.Seconds(), peak, r.need, r.drained.Sub(r.began).Seconds(), list[len(list)-1].at.Sub(r.began).Seconds(), podSeconds)
}

// check holds reaction, size and time.
func (r *run) check(t *testing.T) {
	t.Helper()
	peak, grew := 0, time.Time{}
	for _, at := range r.replicas.since(r.began) {
		if peak = max(peak, at.wants); grew.IsZero() && at.wants > least {
			grew = at.at
		}
	}
	if reaction := grew.Sub(r.began); grew.IsZero() || reaction > 30*time.Second {
		t.Errorf("the first replica more was asked for after %s: want at most 30s", reaction)
	}
	if bound := int(math.Ceil(float64(r.need) * 4 / 3)); peak > bound {
		t.Errorf("%d replicas at most where %d were needed: want no third more, %d", peak, r.need, bound)
	}
	// Until the autoscaler has added all, at its pace, and the pods work.
	growing := time.Duration((r.need-least-1)/upPods)*upEvery + 30*time.Second + podStart
	if took := r.drained.Sub(r.began); took > growing+drain {
		t.Errorf("worked off after %s: want %s for the pods to come and %s to drain", took, growing, drain)
	}
}

// checkDown holds the pace at which replicas go.
func (r *run) checkDown(t *testing.T) {
	t.Helper()
	list := r.replicas.since(r.drained)
	for i, from := range list {
		for _, to := range list[i+1:] {
			if to.at.Sub(from.at) < downEvery-2*time.Second && from.wants-to.wants > downPods && to.at.After(r.drained) {
				t.Errorf("%d replicas went within %s: want at most %d in %s", from.wants-to.wants, to.at.Sub(from.at), downPods, downEvery)
			}
		}
	}
	last := list[len(list)-1]
	steps := (list[0].wants - least + downPods - 1) / downPods
	bound := settle + time.Duration(steps)*downEvery + 90*time.Second
	if took := last.at.Sub(r.drained); last.wants != least || took > bound {
		t.Errorf("%d replicas %s after everything was worked off: want %d within %s", last.wants, took, least, bound)
	}
}

// checkFallback takes NATS away: the autoscaler must fall back to what was said, neither to nothing nor to the maximum.
func checkFallback(t *testing.T, replicas *sizes, stopNATS func()) {
	t.Helper()
	gone := time.Now()
	stopNATS()
	until(t, 5*time.Minute, "KEDA's fallback", func() bool {
		var object struct {
			Status struct {
				Conditions []struct{ Type, Status string } `json:"conditions"`
			} `json:"status"`
		}
		if err := json.Unmarshal([]byte(kubectl(t, "get", "scaledobject", "hal9-l2", "-n", namespace, "-o", "json")), &object); err != nil {
			t.Fatal(err)
		}
		for _, c := range object.Status.Conditions {
			if c.Type == "Fallback" && c.Status == "True" {
				return true
			}
		}
		return false
	})
	until(t, 2*time.Minute, fmt.Sprintf("%d replicas as the fallback says", fallbackPods), func() bool { return replicas.now().wants == fallbackPods })
	for _, at := range replicas.since(gone) {
		if at.wants < least || at.wants > fallbackPods {
			t.Errorf("%d replicas without NATS", at.wants)
		}
	}
	t.Logf("without NATS: fallback to %d replicas after %.0fs", fallbackPods, time.Since(gone).Seconds())
}
