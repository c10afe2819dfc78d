package bus_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// TestMissingIsNotAway asserts that what has no leader just now exists: a pod must not wait for it to be provisioned.
func TestMissingIsNotAway(t *testing.T) {
	cfg := natsserver.DefaultConfig()
	cfg.DataDir = t.TempDir()
	log := slog.New(slog.DiscardHandler)
	cluster, err := natsserver.StartCluster(t.Context(), cfg, 3, log)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	to := bus.DefaultConfig()
	to.URL = cluster.Nodes()[0].URL()
	b, err := bus.Connect(to, log, cluster.Nodes()[0].InProcess())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	topology := bus.DefaultTopology()
	topology.Sinks = []bus.Durable{{Stream: "HAL9_SITUATIONS", Name: "sink-chat"}}
	missing := answered(t, func() ([]string, error) { return b.Missing(t.Context(), topology) })
	for _, want := range []string{
		"stream HAL9_L1", "bucket hal9_leases", "bucket hal9_snapshots",
	} {
		if !slices.Contains(missing, want) {
			t.Errorf("%s is not missing in %q", want, missing)
		}
	}
	answered(t, func() ([]string, error) { return nil, b.Provision(t.Context(), topology) })
	if missing = answered(t, func() ([]string, error) { return b.Missing(t.Context(), topology) }); len(missing) > 0 {
		t.Errorf("missing after provisioning: %q", missing)
	}
	topology.Sinks = append(topology.Sinks, bus.Durable{Stream: "HAL9_SITUATIONS", Name: "sink-pager"})
	missing = answered(t, func() ([]string, error) { return b.Missing(t.Context(), topology) })
	if want := []string{"consumer sink-pager on HAL9_SITUATIONS"}; !slices.Equal(missing, want) {
		t.Errorf("missing with a new sink: %q, want %q", missing, want)
	}
	topology.Sinks = topology.Sinks[:1]
	// The streams have one copy each, and this server has that of some.
	cluster.Nodes()[2].Halt()
	if missing = answered(t, func() ([]string, error) { return b.Missing(t.Context(), topology) }); len(missing) > 0 {
		t.Errorf("missing while a server is away: %q", missing)
	}
	if _, err := b.Plan(t.Context(), topology); err == nil {
		t.Error("every stream answers: the test shows nothing")
	}
}

func TestMissingTellsConflicts(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	topology := bus.DefaultTopology()
	topology.Partitions = 4
	if _, err := b.Missing(t.Context(), topology); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("Missing = %v, want ErrConflict", err)
	}
}

// answered asks until the cluster has a leader that answers.
func answered(t *testing.T, ask func() ([]string, error)) []string {
	t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var names []string
		if names, err = ask(); err == nil {
			return names
		}
	}
	t.Fatal(err)
	return nil
}
