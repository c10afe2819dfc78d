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
	"github.com/2lab-ai/hal9/keda/manifest"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
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
	least, most  = 1, 10
	drain        = 20 * time.Second
	podStart     = 5 * time.Second
	upPods       = 4
	upEvery      = 15 * time.Second
	downPods     = 2
	downEvery    = 15 * time.Second
	settle       = 30 * time.Second
	fallbackPods = 3
	cpuPercent   = 8 // of a CPU for each replica
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

// rendered is the layer's ScaledObject as hal9-keda renders it, with the bounds and times of this test.
func rendered(t *testing.T, s manifest.Settings, rate float64) []byte {
	t.Helper()
	s.Namespace, s.Partitions = namespace, partitions
	s.Layers = []manifest.Layer{{Name: layers.NameL2, Policy: policy.Config{
		Min: least, Max: most, Drain: drain, Latency: 2 * time.Minute, PodStart: podStart, DeadBand: 0.1, Rate: math.Round(rate),
		Pace: policy.Pace{Up: upPods, UpEvery: upEvery, Down: downPods, DownEvery: downEvery, Settle: settle},
	}}}
	files, err := manifest.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Data
}

// applyProduction puts the production overlay into the cluster.
func applyProduction(t *testing.T) {
	t.Helper()
	kubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "../../../deploy/overlays/production")
	t.Cleanup(func() { kubectl(t, "delete", "namespace", namespace, "--wait=true", "--ignore-not-found") })
	kubectl(t, "rollout", "status", "deployment/hal9-l2", "-n", namespace, "--timeout=120s")
}

// load is what the layer has to bear.
type load struct {
	name string
	need int // replicas
	send func(s *sender, rate float64) (signals int)
}

// loads are what HAL9's scaler and KEDA's own triggers are compared with. One replica alone would take six times the drain time for the burst.
func loads() []load {
	return []load{
		{"burst", 6, func(s *sender, rate float64) int {
			signals := int(6 * rate * drain.Seconds())
			s.send(signals)
			return signals
		}},
		{"stream", 4, func(s *sender, rate float64) int { return s.sendSteadily(3.5*rate, 2*time.Minute) }},
	}
}

// run is the layer with its real processes, and what came of the last load.
type run struct {
	load

	replicas *sizes
	sender   *sender
	rate     float64 // of one replica, signals/s
	began    time.Time
	sent     time.Time // when the last signal was
	drained  time.Time
}

// TestHAL9ScalesRealProcesses is the promise; TestStockTriggersBeside shows what KEDA's own triggers make of the same.
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
	apply(t, rendered(t, manifest.Settings{Trigger: manifest.TriggerPush, Scaler: at.GRPC}, 100))
	r := s.open(urls[0])
	for _, l := range loads() {
		r.bear(t, l)
		r.report(t, "hal9 scaler")
		r.check(t)
		r.checkDown(t)
	}
	r.sender.allAnswered()
	checkFallback(t, r.replicas, stopNATS)
}

// open brings the layer up with its real processes and measures one.
func (s *stand) open(url string) *run {
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
	t.Logf("one replica does %.0f signals/s", r.rate)
	return r
}

// bear sends a load and waits until all of it is worked off and the layer is small again.
func (r *run) bear(t *testing.T, l load) {
	t.Helper()
	until(t, 5*time.Minute, "quiet", func() bool { // So that what was before is forgotten.
		d, ok := r.sender.decided(flooded)
		return ok && d.Wanted == least && r.replicas.now().wants == least && time.Since(d.At) < 3*time.Second
	})
	r.load, r.began = l, time.Now()
	signals := l.send(r.sender, r.rate)
	r.sent = time.Now()
	t.Logf("%s: %d signals within %.0fs, for which %d replicas are needed", l.name, signals, r.sent.Sub(r.began).Seconds(), l.need)
	r.drained = until(t, 10*time.Minute, "everything worked off", func() bool { return r.sender.finished(r.sent) })
	until(t, 10*time.Minute, "the minimum of replicas again", func() bool { return r.replicas.now().wants == least })
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
		sent := time.Now()
		until(t, 5*time.Minute, "a small flood worked off", func() bool { return from.finished(sent) })
		if took := time.Since(began) - time.Second; took > 20*time.Second { // A decision is half a second old, and what asks as well.
			rate = float64(signals) / took.Seconds() / least
		}
	}
	return rate
}

// report says what happened, in figures.
func (r *run) report(t *testing.T, name string) {
	t.Helper()
	peak, reaction, podSeconds := 0, "never", 0.0
	list := r.replicas.since(r.began)
	end := time.Now()
	for i, at := range list {
		peak = max(peak, at.wants)
		if reaction == "never" && at.wants > least {
			reaction = fmt.Sprintf("%.1fs", at.at.Sub(r.began).Seconds())
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
		t.Logf("%s, %s: %6.1fs wants %d, ready %d", name, r.name, at.at.Sub(r.began).Seconds(), at.wants, at.ready)
	}
	t.Logf("%s, %s: reaction %s, peak %d where %d are needed, worked off %.1fs after the last signal, back at the minimum after %.1fs, %.0f pod-seconds",
		name, r.name, reaction, peak, r.need, r.drained.Sub(r.sent).Seconds(), list[len(list)-1].at.Sub(r.began).Seconds(), podSeconds)
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
		t.Errorf("%s: the first replica more was asked for after %s: want at most 30s", r.name, reaction)
	}
	if bound := int(math.Ceil(float64(r.need) * 4 / 3)); peak > bound {
		t.Errorf("%s: %d replicas at most where %d were needed: want no third more, %d", r.name, peak, r.need, bound)
	}
	// Until the autoscaler has added all, at its pace, and the pods work.
	growing := time.Duration((r.need-least-1)/upPods)*upEvery + 30*time.Second + podStart
	bound := max(0, growing-r.sent.Sub(r.began)) + drain
	if took := r.drained.Sub(r.sent); took > bound {
		t.Errorf("%s: worked off %s after the last signal: want at most %s", r.name, took, bound)
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
		t.Errorf("%s: %d replicas %s after everything was worked off: want %d within %s", r.name, last.wants, took, least, bound)
	}
}

// checkFallback takes NATS away: the autoscaler must fall back to what was said, neither to nothing nor to the maximum.
func checkFallback(t *testing.T, replicas *sizes, stopNATS func()) {
	t.Helper()
	kubectl(t, "patch", "scaledobject", "hal9-l2", "-n", namespace, "--type=merge", "-p", fmt.Sprintf(`{"spec":{"fallback":{"replicas":%d}}}`, fallbackPods))
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
