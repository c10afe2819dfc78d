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
	b := connect(t, nodes[0].URL())
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		err := b.Provision(t.Context(), topology)
		if err == nil {
			break
		}
		if time.Now().After(deadline) { // On a busy machine servers see each other late.
			t.Fatal(err)
		}
	}
	// One stream has its only copy on the server that goes first.
	only, err := client(t, nodes[0].URL()).CreateStream(t.Context(), jetstream.StreamConfig{Name: "HAL9_EXTRA", Subjects: []string{"extra"}})
	if err != nil {
		t.Fatal(err)
	}
	gone := only.CachedInfo().Cluster.Leader
	first := slices.Index([]string{"hal9-1", "hal9-2", "hal9-3"}, gone)
	second, stays := nodes[(first+1)%3], nodes[(first+2)%3]
	opts := options(stays.URL())
	examine(t, opts).without(t, "lost-leader", "replica-offline", "replica-lags", "missing", "changed")

	nodes[first].Halt()
	eventually(t, opts, "replica-offline")
	r := eventually(t, opts, "lost-leader")
	f := finding(t, r, "replica-offline")
	f.holds(t, SeverityWarning, gone+" is away", "with one copy less")
	f = finding(t, r, "lost-leader")
	f.holds(t, SeverityCritical, "1 stream or consumer without a leader", "HAL9_EXTRA", "offline: "+gone)
	r.without(t, "missing", "not-provisioned")

	second.Halt()
	r = eventually(t, opts, "jetstream-silent")
	f = finding(t, r, "jetstream-silent")
	f.holds(t, SeverityCritical, "NATS answers, JetStream does not")
	r.without(t, "missing", "not-provisioned", "nats-unreachable")
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
