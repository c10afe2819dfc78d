package bus_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// nats.go 1.55 leaves this one behind where a connection closes just as the first
		// asynchronous publish begins.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

func connect(t *testing.T, server *natstest.Server) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = server.ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func provisioned(t *testing.T, topology bus.Topology) (*bus.Bus, *natstest.Server) {
	t.Helper()
	server := natstest.Start(t)
	b := connect(t, server)
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	return b, server
}

func TestOpenNamesTheCommandWhereNothingIsProvisioned(t *testing.T) {
	b := connect(t, natstest.Start(t))
	_, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}, 0)
	if err == nil || !strings.Contains(err.Error(), "hal9 provision --nats") {
		t.Fatalf("error %v, want one that names hal9 provision", err)
	}
	if _, err := b.Partitions(t.Context()); err == nil || !strings.Contains(err.Error(), "hal9 provision --nats") {
		t.Fatalf("error %v, want one that names hal9 provision", err)
	}
}

func records(from, to int) []pipeline.Record {
	var list []pipeline.Record
	for i := from; i < to; i++ {
		list = append(list, pipeline.Record{
			Subject: pipeline.SubjectOf(layers.NameL3, 0), ID: fmt.Sprint("id-", i), Data: fmt.Append(nil, i),
		})
	}
	return list
}

func take(t *testing.T, source pipeline.Source, n int) []pipeline.Delivery {
	t.Helper()
	var got []pipeline.Delivery
	deadline := time.Now().Add(10 * time.Second)
	for len(got) < n && time.Now().Before(deadline) {
		burst, err := source.Next(t.Context(), time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, burst...)
	}
	if len(got) != n {
		t.Fatalf("got %d messages, want %d", len(got), n)
	}
	return got
}

func TestSharedSourceTakesBackOrphansAtOnce(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	key := pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.signals.a", Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	other := connect(t, server)
	dead, _, err := other.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	take(t, dead, 1)
	other.Close() // It dies with the message in its hands.
	dead.Close()
	time.Sleep(500 * time.Millisecond) // The server takes a moment to notice.
	start := time.Now()
	alive, backlog, err := b.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	take(t, alive, 1)
	if backlog.Empty || time.Since(start) > 5*time.Second {
		t.Errorf("backlog %+v after %s, want the message back at once", backlog, time.Since(start))
	}
}

// TestKeyedSourceNoticesWhatAnEarlierOwnerGets leaves the request of an owner open that is frozen: the server gives it
// messages, and the new owner must not go on behind them.
func TestKeyedSourceNoticesWhatAnEarlierOwnerGets(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	key := pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}
	frozen := connect(t, server)
	left, _, err := frozen.Open(t.Context(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	if burst, err := left.Next(t.Context(), 50*time.Millisecond, 0); err != nil || len(burst) > 0 { // It asks for what will come.
		t.Fatal(burst, err)
	}
	const n = 20
	next, again := uint64(1), 0
	for deadline := time.Now().Add(30 * time.Second); next <= n && time.Now().Before(deadline); again++ {
		source, _, err := b.Open(t.Context(), key, next-1)
		if err != nil {
			t.Fatal(err)
		}
		for i := next; again == 0 && i <= n; i++ {
			if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.l3.0", Data: []byte{byte(i)}}}); err != nil {
				t.Fatal(err)
			}
		}
		for err == nil && next <= n {
			var burst []pipeline.Delivery
			burst, err = source.Next(t.Context(), time.Second, 0)
			for i := range burst {
				if burst[i].Seq != next {
					t.Fatalf("message %d came where %d was due", burst[i].Seq, next)
				}
				next++
			}
		}
		source.Close()
		time.Sleep(50 * time.Millisecond) // The server takes a moment to notice.
	}
	if next <= n || again < 2 {
		t.Errorf("got %d of %d messages in %d lives: want all, and at least one life that ended since the other was given some", next-1, n, again)
	}
}

// waitDepth waits until so many signals are in a layer's queue: the server counts a moment after it
// has stored.
func waitDepth(t *testing.T, b *bus.Bus, layer layers.Name, want uint64) (load bus.Load) {
	t.Helper()
	g := gauge(t, b)
	for range 200 {
		var err error
		if load, err = g.Read(t.Context(), layer); err != nil {
			t.Fatal(err)
		}
		if load.Depth() == want {
			return load
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%+v, want %d signals", load, want)
	return load
}

func TestQueueCountsEachSignalOnce(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	for range 2 {
		if err := b.Publish(t.Context(), records(0, 5)); err != nil {
			t.Fatal(err)
		}
	}
	queue := waitDepth(t, b, layers.NameL3, 5)
	if queue.Oldest <= 0 {
		t.Error("the oldest has no age")
	}
}

func TestSourceEndsWhenTheConnectionBreaks(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	source, _, err := b.Open(t.Context(), pipeline.StageKey{Layer: layers.NameL2, Partitions: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	server.Stop()
	for range 20 {
		if _, err = source.Next(t.Context(), time.Second, 0); err != nil {
			break
		}
	}
	if !errors.Is(err, bus.ErrDisconnected) {
		t.Fatalf("error %v, want ErrDisconnected", err)
	}
	if err := b.Publish(t.Context(), records(0, 1)); err == nil {
		t.Fatal("publish without a server succeeded")
	}
	server.Restart(t)
	for range 100 {
		if err = b.Publish(t.Context(), records(0, 1)); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // The client's own reconnect is what is waited for.
	}
	t.Fatalf("publish after the restart: %v", err)
}
