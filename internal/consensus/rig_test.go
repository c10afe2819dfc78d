package consensus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/consensus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/natsserver"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats%2eserver/v2/server.(*Server).Start"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// rig is a provisioned NATS and a target for webhooks.
type rig struct {
	t       *testing.T
	urls    []string // of the nodes
	cluster *natsserver.Cluster
	council tactical.Council
	target  *target
	log     *slog.Logger
	bus     *bus.Bus
	plans   map[string][]layers.Plan // what was read of the stream of plans,
	seq     uint64                   // up to this message,
	stored  time.Time                // which was stored then
}

// newRig returns a rig on one server, or on a cluster of nodes.
func newRig(t *testing.T, nodes int) *rig {
	t.Helper()
	r := &rig{t: t, council: tactical.DefaultCouncil(), target: newTarget(t), log: slog.New(slog.DiscardHandler), plans: map[string][]layers.Plan{}, stored: time.Now()}
	topology := bus.DefaultTopology()
	if nodes == 1 {
		r.urls = []string{natstest.Start(t).ClientURL()}
	} else {
		cfg := natsserver.DefaultConfig()
		cfg.DataDir, cfg.StartTimeout = t.TempDir(), 30*time.Second
		cluster, err := natsserver.StartCluster(t.Context(), cfg, nodes, r.log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Stop)
		r.cluster = cluster
		for _, node := range cluster.Nodes() {
			r.urls = append(r.urls, node.URL())
		}
		topology.Replicas = nodes
	}
	r.bus = r.connect(0)
	eventually(t, "the nodes know each other", func() bool {
		err := r.bus.Provision(t.Context(), topology)
		if err != nil && nodes == 1 {
			t.Fatal(err)
		}
		return err == nil
	})
	return r
}

func (r *rig) connect(node int) *bus.Bus {
	r.t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = r.urls[node%len(r.urls)]
	b, err := bus.Connect(cfg, r.log)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(b.Close)
	return b
}

// member is a process of L4, as far as the council goes.
type member struct {
	bus     *bus.Bus
	council *consensus.Council
	leases  *bus.Leases
	stop    func() // cleanly
	kill    func() // without another word to NATS
}

func (r *rig) playbooks() []tactical.Playbook { return playbooks(r.target.URL) }

func playbooks(url string) []tactical.Playbook {
	return []tactical.Playbook{{
		Name: "restart", When: `severity >= warning`, Steps: []string{"Restart it."},
		Actions: []tactical.Action{{Webhook: url, Fields: map[string]string{"team": "storage"}}},
	}}
}

func (r *rig) start(name string, change ...func(*consensus.Config, *consensus.Deps)) *member {
	r.t.Helper()
	m := r.begin(name, change...)
	<-m.council.Running()
	return m
}

// begin starts a member that may have to wait for NATS.
func (r *rig) begin(name string, change ...func(*consensus.Config, *consensus.Deps)) *member {
	r.t.Helper()
	b := r.connect(len(name))
	leases, err := b.Leases(r.t.Context(), name, layers.NameL4)
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := consensus.Config{Council: r.council, Playbooks: r.playbooks(), Process: name, Partitions: 1}
	client := &http.Client{Transport: &http.Transport{}}
	deps := consensus.Deps{Bus: b, Leases: leases, Compile: expr.Situation, Client: client, Observer: nobody{}, Log: r.log, Now: time.Now}
	for _, f := range change {
		f(&cfg, &deps)
	}
	c, err := consensus.New(r.t.Context(), cfg, deps)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	end := func(first func()) func() {
		return func() {
			once.Do(func() {
				first()
				cancel()
				<-done
				client.CloseIdleConnections()
			})
		}
	}
	m := &member{bus: b, council: c, leases: leases, stop: end(func() {}), kill: end(b.Close)}
	r.t.Cleanup(m.stop)
	return m
}

// awaitSpread waits until each member is a voter: whoever joins after that gets its share, and no more.
func awaitSpread(t *testing.T, members ...*member) {
	t.Helper()
	for _, m := range members {
		eventually(t, "the voters are spread", func() bool {
			for voter := 1; voter <= 5; voter++ {
				if text, _ := m.leases.Standing(pipeline.VoterStage(voter)); strings.HasPrefix(text, "taking over") {
					return true // It has been granted to this one.
				}
			}
			return false
		})
	}
}

type nobody struct{}

func (nobody) Planned(layers.PlanEvent) {}
func (nobody) Voted(bool)               {}
func (nobody) Agreed(time.Duration)     {}
func (nobody) Acted(layers.ActionState) {}

// propose announces a situation and a plan for it, as L3 and L4 do.
func (r *rig) propose(numbers ...int) {
	r.t.Helper()
	var records []pipeline.Record
	for _, n := range numbers {
		s := r.situation(n)
		p := r.plan(n)
		records = append(records,
			pipeline.Record{Subject: pipeline.SubjectSituations + ".opened", ID: s.ID + ".1", Data: encode(r.t, s)},
			pipeline.Record{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: p.ID + ".proposed", Data: encode(r.t, p)})
	}
	var err error // Right after a stream has lost or got back its leader NATS may take nothing for a moment; ids make tries one.
	for range 100 {
		if err = r.bus.Publish(r.t.Context(), records); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Fatal(err)
}

func (r *rig) situation(n int) *layers.Situation {
	return &layers.Situation{
		ID: fmt.Sprint("sit-", n), Event: layers.SituationOpened, Revision: 1, Severity: layers.SeverityError, Key: fmt.Sprint("db-", n),
		Title: "disk full", OpenedAt: time.Now(), Members: 1, MemberIDs: []string{"a"}, Entities: []layers.Entity{{Name: "db", Score: 1}},
	}
}

func (r *rig) plan(n int) *layers.Plan {
	a := r.playbooks()[0].Actions[0]
	return &layers.Plan{
		ID: fmt.Sprintf("plan-%04d", n), Event: layers.PlanProposed, SituationID: fmt.Sprint("sit-", n), Revision: 1, Key: fmt.Sprint("db-", n),
		Severity: layers.SeverityError, Playbook: "restart", Title: "Restart", Steps: []string{"Restart it."}, Reasons: []string{"so"},
		Actions: []layers.Action{{Playbook: "restart", Webhook: a.Webhook, Fields: a.Fields}},
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// events returns all events of all plans, by plan, in their order. It reads what has come since the last time: all of it each time is most of
// what a test with a thousand plans does.
func (r *rig) events() map[string][]layers.Plan {
	r.t.Helper()
	eventually(r.t, "the plans can be read", func() bool {
		err := r.bus.Since(context.WithoutCancel(r.t.Context()), pipeline.StreamPlans, r.stored.Add(-time.Second), 1<<20, func(m *bus.Message) {
			if m.Seq <= r.seq {
				return
			}
			r.seq, r.stored = m.Seq, m.Stored
			var p layers.Plan
			if json.Unmarshal(m.Data, &p) == nil {
				r.plans[p.ID] = append(r.plans[p.ID], p)
			}
		})
		return err == nil // Not while NATS has no leader.
	})
	return r.plans
}

// await waits until n plans have an event, and returns all of them.
func (r *rig) await(event layers.PlanEvent, n int) map[string][]layers.Plan {
	r.t.Helper()
	var all map[string][]layers.Plan
	defer func() {
		if r.t.Failed() {
			r.t.Logf("what became of the plans: %s", encode(r.t, all))
		}
	}()
	eventually(r.t, fmt.Sprintf("%d plans are %s", n, event), func() bool {
		all = r.events()
		count := 0
		for _, list := range all {
			if slices.ContainsFunc(list, func(p layers.Plan) bool { return p.Event == event }) {
				count++
			}
		}
		return count >= n
	})
	return all
}

func (r *rig) letters() (list []bus.Message) {
	r.t.Helper()
	err := r.bus.Since(r.t.Context(), pipeline.StreamDead, time.Now().Add(-time.Hour), 1000, func(m *bus.Message) { list = append(list, *m) })
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	pause := 20 * time.Millisecond
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(pause) {
		if ok() {
			return
		}
		pause = min(2*pause, time.Second) // Asking five servers is work that they lack for what is awaited.
	}
	t.Fatal("it never came to this: " + what)
}

// target counts what webhooks bring.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(n int, w http.ResponseWriter)
	posts  map[string]int // by idempotency key
	bodies []map[string]any
	all    int
}

func newTarget(t *testing.T) *target {
	t.Helper()
	tg := &target{posts: map[string]int{}, answer: func(int, http.ResponseWriter) {}}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		data, _ := io.ReadAll(req.Body)
		var body map[string]any
		_ = json.Unmarshal(data, &body)
		tg.mu.Lock()
		tg.all++
		n := tg.all
		tg.posts[req.Header.Get("Idempotency-Key")]++
		tg.bodies = append(tg.bodies, body)
		answer := tg.answer
		tg.mu.Unlock()
		answer(n, w)
	}))
	t.Cleanup(tg.Close)
	return tg
}

// counts returns how often each action was posted.
func (tg *target) counts() map[string]int {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	all := make(map[string]int, len(tg.posts))
	maps.Copy(all, tg.posts)
	return all
}
