package bare_test

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/internal/natstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

func connect(t *testing.T, to bare.Target) *bare.Client {
	t.Helper()
	client, err := to.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestLoop has every variant carry messages: each comes out once, in order, to the stream and to a subscriber.
func TestLoop(t *testing.T) {
	const n = 2_000 // more than a burst
	for _, variant := range bare.Variants() {
		t.Run(variant.Name, func(t *testing.T) {
			server := natstest.Start(t)
			to := bare.NewTarget(server.URL(), server.InProcess())
			running, stop := context.WithCancel(t.Context())
			loop, err := bare.NewLoop(running, to, variant, bare.Hops)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- loop.Run(running) }()
			client := connect(t, to)
			heard := make(chan uint64, 2*n)
			if err := client.Listen(bare.Out, func(data []byte) { heard <- binary.BigEndian.Uint64(data) }); err != nil {
				t.Fatal(err)
			}
			publish(t, client, n)
			for want := range uint64(n) {
				select {
				case got := <-heard:
					if got != want {
						t.Fatalf("heard message %d: want %d", got, want)
					}
				case <-time.After(20 * time.Second):
					t.Fatalf("message %d did not come out", want)
				}
			}
			awaitCount(t, client, n)
			next := uint64(0)
			if err := client.Read(t.Context(), bare.StreamOut, func(data []byte) {
				if got := binary.BigEndian.Uint64(data); got != next {
					t.Errorf("message %d is stored: want %d", got, next)
				}
				next++
			}); err != nil || next != n {
				t.Errorf("%d messages are stored, %v: want %d", next, err, n)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			loop.Close()
		})
	}
}

func publish(t *testing.T, client *bare.Client, n int) {
	t.Helper()
	publisher, err := client.NewPublisher()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := publisher.Send(bare.In, binary.BigEndian.AppendUint64(nil, uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := publisher.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// awaitCount waits until the stream holds n messages: they are heard before they are stored.
func awaitCount(t *testing.T, client *bare.Client, n uint64) {
	t.Helper()
	var count uint64
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var err error
		if count, err = client.Count(t.Context(), bare.StreamOut); err != nil {
			t.Fatal(err)
		}
		if count == n {
			return
		}
	}
	t.Fatalf("%d messages are stored: want %d", count, n)
}

func TestRefusals(t *testing.T) {
	server := natstest.Start(t)
	client := connect(t, bare.NewTarget(server.URL()))
	publisher, err := client.NewPublisher()
	if err != nil {
		t.Fatal(err)
	}
	if err := publisher.Send("nobody.listens", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Wait(t.Context()); err == nil {
		t.Error("a publish that no stream took counts as stored")
	}
	if err := publisher.Try(t.Context(), "nobody.listens", make([]byte, 3<<20)); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("got %v: want that the message is too large", err)
	}
	if _, err := client.Count(t.Context(), "ABSENT"); err == nil {
		t.Error("a stream that is not there has a count")
	}
	if _, err := bare.NewTarget("nats://127.0.0.1:1").Connect(); err == nil {
		t.Error("it connects to nobody")
	}
}

func TestPublishSubscribe(t *testing.T) {
	server := natstest.Start(t)
	for _, size := range []int{100, 1 << 20} {
		took, err := bare.PublishSubscribe(t.Context(), bare.NewTarget(server.URL()), size, 50)
		if err != nil || took <= 0 {
			t.Errorf("%d bytes: %s, %v", size, took, err)
		}
	}
}

func TestStoreAndRead(t *testing.T) {
	server := natstest.Start(t)
	for _, size := range []int{100, 1 << 20} {
		took, err := bare.StoreAndRead(t.Context(), bare.NewTarget(server.URL()), size, 50)
		if err != nil || took <= 0 {
			t.Errorf("%d bytes: %s, %v", size, took, err)
		}
	}
}

func TestRegister(t *testing.T) {
	server := natstest.Start(t)
	register, err := connect(t, bare.NewTarget(server.URL())).NewRegister(t.Context(), "once", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := register.Create(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := register.Create(t.Context(), 1); err == nil {
		t.Error("a key can be created twice")
	}
}
