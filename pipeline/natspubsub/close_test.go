package natspubsub_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// A handler at work when Close is called finishes undisturbed, and its answer counts.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sub := b.subscriber(t, nil)
	publish(t, b.publisher(t, nil), "work.a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	msgs, err := sub.Subscribe(ctx, "work.a")
	if err != nil {
		t.Fatal(err)
	}
	msg := receive(t, msgs)
	closed := make(chan error, 1)
	cancel() // ends the fetching, not the work
	go func() { closed <- sub.Close() }()
	if _, open := <-msgs; open {
		t.Error("message after Close")
	}
	select {
	case err := <-closed:
		t.Fatalf("Close returned %v with a message in flight", err)
	case <-msg.Context().Done():
		t.Fatal("context ended while draining")
	case <-time.After(200 * time.Millisecond):
	}
	msg.Ack()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	b.settledAfter(t, 1)
	if b.nc.Status() != nats.CONNECTED {
		t.Errorf("connection is %v: it belongs to the caller", b.nc.Status())
	}
	if err := sub.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// A handler that outlives the drain time loses its message, which others get at once.
func TestCloseAbandons(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Drain = 100 * time.Millisecond })
	publish(t, b.publisher(t, nil), "work.a", 1)
	msg := receive(t, subscribe(t, sub, "work.a"))
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	<-msg.Context().Done()
	if cause := context.Cause(msg.Context()); !errors.Is(cause, natspubsub.ErrClosed) {
		t.Errorf("cause %v: want ErrClosed", cause)
	}
	again := receive(t, subscribe(t, b.subscriber(t, nil), "work.a"))
	if d := delivery(t, again); d.Attempt != 2 {
		t.Errorf("attempt %d: want 2", d.Attempt)
	}
	again.Ack()
	b.settled(t)
}

// What was fetched and not handed out goes back at once: another subscriber gets it long
// before the ack wait of 30 s.
func TestCloseGivesBackWhatWasFetchedAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	publish(t, b.publisher(t, nil), "work.a", 50)
	sub := b.subscriber(t, nil)
	msgs := subscribe(t, sub, "work.a")
	receive(t, msgs).Ack()
	eventually(t, func() error {
		if b.info(t).NumAckPending < 40 {
			return errors.New("not fetched yet")
		}
		return nil
	})
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	second := subscribe(t, b.subscriber(t, nil), "work.a")
	start := time.Now()
	for range 49 {
		receive(t, second).Ack()
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	b.settled(t)
}

// The end of the connection ends the subscription instead of leaving it silent.
func TestConnectionClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sub := b.subscriber(t, nil)
	msgs := subscribe(t, sub, "work.a")
	b.nc.Close()
	select {
	case _, open := <-msgs:
		if open {
			t.Error("message without a connection")
		}
	case <-time.After(patience):
		t.Fatal("channel still open")
	}
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
}
