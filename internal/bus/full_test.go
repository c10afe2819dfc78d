package bus_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natsserver"
	"github.com/2lab-ai/hal9/pipeline"
)

// bound sets how many messages a stream may hold.
func bound(t *testing.T, b *bus.Bus, stream string, messages int64) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxMsgs = messages
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

// TestFullStreamMakesAStageWait fills the stream of the next layer: the stage waits without ending, and when there is
// room again each signal has gone on once, in order.
func TestFullStreamMakesAStageWait(t *testing.T) {
	const n = 700
	b, _ := provisioned(t, bus.DefaultTopology())
	bound(t, b, "HAL9_L4", 1)
	run := newStageRun(b)
	stop := run.start(t)
	for at := 0; at < n; at += 100 {
		feed(t, b, at, at+100)
		time.Sleep(20 * time.Millisecond) // In several bursts: the second finds no room.
	}
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), "HAL9_L3", "l3")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // While nothing can go on.
	info, err := consumer.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.AckFloor.Stream >= n {
		t.Error("everything was settled, although it could not be stored")
	}
	bound(t, b, "HAL9_L4", -1)
	got := waitSettled(t, b, n)
	stop()
	wantEachOnceInOrder(t, got, n)
	if restarts := run.observed.restarted.Load(); restarts > 0 {
		t.Errorf("the stage ended %d times instead of waiting", restarts)
	}
}

// TestFullResultsDropTheirOldest has more verdicts than their stream holds: nobody waits.
func TestFullResultsDropTheirOldest(t *testing.T) {
	const n, up = 700, 7 * (100 / 3) // every third of a key goes up
	b, _ := provisioned(t, bus.DefaultTopology())
	bound(t, b, "HAL9_VERDICTS", 10)
	run := newStageRun(b)
	stop := run.start(t)
	defer stop()
	feed(t, b, 0, n)
	for range 400 {
		if run.observed.final.Load() == n-up && len(outcomes(t, b, "HAL9_L5")) == 10 {
			return
		}
		time.Sleep(50 * time.Millisecond) // The stage works in the background.
	}
	t.Fatalf("%d signals were answered and %d verdicts are kept", run.observed.final.Load(), len(outcomes(t, b, "HAL9_L5")))
}

// TestFullServerRefusesAndRecovers fills the server's whole store from another stream: a publisher is told that it is
// for now, what was stored stays, and it goes on when there is room again.
func TestFullServerRefusesAndRecovers(t *testing.T) {
	cfg := natsserver.DefaultConfig()
	cfg.Port, cfg.DataDir, cfg.MaxStore = 0, t.TempDir(), 400<<20
	server, err := natsserver.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	to := bus.DefaultConfig()
	to.URL = server.URL()
	b, err := bus.Connect(to, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	topology := bus.DefaultTopology()
	if err := b.Provision(t.Context(), topology); err == nil {
		t.Error("streams that can outgrow the server's store were provisioned")
	}
	topology.StoreBytes = 64 << 20
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	stranger := fillServer(t, b)
	record := []pipeline.Record{{Subject: "hal9.signals.test", Data: []byte("x")}}
	_, err = b.Submit(t.Context(), record)
	if busy, ok := errors.AsType[*bus.BusyError](err); !ok || busy.RetryAfter() <= 0 {
		t.Errorf("a full server answers %v, want one that says when to come back", err)
	}
	if err := stranger.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err = b.Submit(t.Context(), record); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // The server frees its files in the background.
	}
	t.Errorf("with room again: %v", err)
}

// fillServer stores in a stream of somebody else's until the server refuses.
func fillServer(t *testing.T, b *bus.Bus) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "other", Data: make([]byte, 1<<20)}); err != nil {
			return stream
		}
	}
	t.Fatal("the server took everything")
	return nil
}
