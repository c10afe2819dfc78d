package doctor

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// TestKilledServers takes one of three servers away, and then the second.
func TestKilledServers(t *testing.T) {
	t.Parallel()
	cfg := natsserver.DefaultConfig()
	cfg.Port, cfg.DataDir, cfg.MaxStore = 0, t.TempDir(), 1<<30
	cluster, err := natsserver.StartCluster(t.Context(), cfg, 3, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	nodes := cluster.Nodes()
	topology := bus.DefaultTopology()
	topology.Replicas, topology.StoreBytes = 3, 512<<20
	if err := connect(t, nodes[0].URL()).Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	js := client(t, nodes[0].URL())
	single := singleCopy(t, js)
	opts := options(nodes[0].URL())
	examine(t, opts).without(t, "lost-leader", "replica-offline", "replica-lags", "missing", "changed")

	halt := slices.IndexFunc(nodes, func(n *natsserver.Node) bool { return n.URL() != nodes[0].URL() })
	nodes[halt].Halt()
	r := eventually(t, opts, "replica-offline")
	f := finding(t, r, "replica-offline")
	f.holds(t, SeverityWarning, "hal9-2 is away", "with one copy less")
	// What had its only copy there has no leader any more; a stream elsewhere is not concerned.
	if single == "hal9-2" {
		f = finding(t, r, "lost-leader")
		f.holds(t, SeverityCritical, "EXTRA", "offline: hal9-2")
	}
	r.without(t, "missing", "not-provisioned")

	nodes[2].Halt()
	r = eventually(t, opts, "jetstream-silent")
	f = finding(t, r, "jetstream-silent")
	f.holds(t, SeverityCritical, "NATS answers, JetStream does not")
	r.without(t, "missing", "not-provisioned", "nats-unreachable")
}

// singleCopy makes streams of one copy until one lies on the second server, and returns where the last one lies.
func singleCopy(t *testing.T, js jetstream.JetStream) (leader string) {
	t.Helper()
	for range 12 {
		stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EXTRA", Subjects: []string{"extra"}})
		if err != nil {
			t.Fatal(err)
		}
		if leader = stream.CachedInfo().Cluster.Leader; leader == "hal9-2" {
			return leader
		}
		if err := js.DeleteStream(t.Context(), "EXTRA"); err != nil {
			t.Fatal(err)
		}
	}
	return leader
}

// eventually looks until a finding is there: servers take some seconds to notice that one is gone.
func eventually(t *testing.T, opts Options, id string) *Report {
	t.Helper()
	var r *Report
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		r = examine(t, opts)
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.ID == id }) {
			return r
		}
	}
	t.Fatalf("%q is never found, but %s", id, show(r))
	return nil
}
