package bus_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/2lab-ai/hal9/internal/bus"
)

// TestInspectCallsNothingMissingThatItCouldNotList: the user may not list the consumers of one stream, so that NATS gives no answer.
func TestInspectCallsNothingMissingThatItCouldNotList(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true,
		Users: []*server.User{{Username: "u", Password: "p", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{"$JS.API.CONSUMER.LIST.HAL9_L3"}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	cfg := bus.DefaultConfig()
	cfg.URL = strings.Replace(s.ClientURL(), "nats://", "nats://u:p@", 1)
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	topology := bus.DefaultTopology()
	topology.Partitions = 1
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	found, err := b.Inspect(t.Context())
	if err != nil || len(found.Missing) > 0 {
		t.Errorf("missing %v: %v", found.Missing, err)
	}
	if !slices.ContainsFunc(found.Streams, func(s bus.StreamView) bool { return s.Name == "HAL9_L3" && len(s.Consumers) == 0 }) {
		t.Error("the consumers of HAL9_L3 were listed: this test no longer sees what it looks for")
	}
}
