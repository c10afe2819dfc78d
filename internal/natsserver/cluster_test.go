package natsserver_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natsserver"
)

func TestCluster(t *testing.T) {
	cfg := natsserver.DefaultConfig()
	cfg.DataDir = t.TempDir()
	cluster, err := natsserver.StartCluster(t.Context(), cfg, 3, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	if got := len(cluster.Nodes()); got != 3 {
		t.Fatalf("%d nodes: want 3", got)
	}
	for i, node := range cluster.Nodes() {
		nc, err := nats.Connect(node.URL(), node.InProcess())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		stream := replicated(t, js)
		// A node may hear only later that the stream is there; nothing is stored until it has.
		ack, err := js.Publish(t.Context(), "r3", []byte("x"), jetstream.WithRetryAttempts(40))
		if err != nil || ack.Sequence != uint64(i)+1 {
			t.Errorf("node %d stored %+v, %v: want sequence %d", i, ack, err, i+1)
		}
		if info := stream.CachedInfo(); len(info.Cluster.Replicas) != 2 {
			t.Errorf("node %d sees %d other replicas: want 2", i, len(info.Cluster.Replicas))
		}
	}
}

// replicated makes the stream or finds it. Requests before the nodes know each other may get no answer.
func replicated(t *testing.T, js jetstream.JetStream) jetstream.Stream {
	t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		var stream jetstream.Stream
		stream, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "R3", Subjects: []string{"r3"}, Replicas: 3})
		cancel()
		if err == nil {
			return stream
		}
	}
	t.Fatal(err)
	return nil
}

func TestClusterRefuses(t *testing.T) {
	if _, err := natsserver.StartCluster(t.Context(), natsserver.DefaultConfig(), 3, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a cluster starts without a folder")
	}
}
