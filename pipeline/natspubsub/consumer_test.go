package natspubsub_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// declare makes the durable "worker" by hand.
func (b *bench) declare(t *testing.T, change func(*jetstream.ConsumerConfig)) {
	t.Helper()
	cfg := jetstream.ConsumerConfig{
		Durable: "worker", FilterSubject: "work.a", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: 30 * time.Second, MaxDeliver: -1, MaxAckPending: 1024,
	}
	change(&cfg)
	if _, err := b.js.CreateConsumer(t.Context(), "WORK", cfg); err != nil {
		t.Fatal(err)
	}
}

func TestBindNeedsTheDurable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, provision := range []natspubsub.Provision{natspubsub.ProvisionBind, natspubsub.ProvisionVerify} {
		sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Provision = provision })
		_, err := sub.Subscribe(t.Context(), "work.a")
		wrong, ok := errors.AsType[*natspubsub.ConsumerError](err)
		if !ok || !errors.Is(err, jetstream.ErrConsumerNotFound) || wrong.Stream != "WORK" || wrong.Durable != "worker" {
			t.Errorf("provision %d: got %v", provision, err)
		}
		if err := sub.SubscribeInitialize("work.a"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
			t.Errorf("provision %d: initialize: got %v", provision, err)
		}
	}
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Stream = func(string) string { return "OTHER" } })
	if _, err := sub.Subscribe(t.Context(), "work.a"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("got %v: want ErrStreamNotFound, streams are not created here", err)
	}
}

func TestVerifyNamesEveryDifference(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, func(cfg *jetstream.ConsumerConfig) {
		cfg.FilterSubject = "work.b"
		cfg.AckWait = time.Minute
		cfg.MaxDeliver = 7
		cfg.MaxAckPending = 3
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	})
	for _, provision := range []natspubsub.Provision{natspubsub.ProvisionVerify, natspubsub.ProvisionCreate} {
		sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Provision = provision })
		_, err := sub.Subscribe(t.Context(), "work.a")
		for _, what := range []string{"filter", "ack wait is 1m0s: want 30s", "max deliver is 7", "max ack pending is 3", "deliver policy"} {
			if err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("provision %d: error %v does not say %q", provision, err, what)
			}
		}
	}
	// As it is, it may be used.
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Provision = natspubsub.ProvisionBind })
	msgs := subscribe(t, sub, "work.a")
	publish(t, b.publisher(t, nil), "work.b", 1)
	receive(t, msgs).Ack()
}

func TestBindRefusesOtherAcknowledgement(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, func(cfg *jetstream.ConsumerConfig) { cfg.AckPolicy = jetstream.AckAllPolicy })
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Provision = natspubsub.ProvisionBind })
	if _, err := sub.Subscribe(t.Context(), "work.a"); err == nil || !strings.Contains(err.Error(), "explicit") {
		t.Errorf("got %v", err)
	}
}

func TestCloseKeepsTheDurable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sub := b.subscriber(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	msgs, err := sub.Subscribe(ctx, "work.a")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, open := <-msgs; open {
		t.Error("message after the context ended")
	}
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	b.info(t) // fails where the durable is gone
	if _, err := sub.Subscribe(t.Context(), "work.a"); !errors.Is(err, natspubsub.ErrClosed) {
		t.Errorf("got %v: want ErrClosed", err)
	}
}

// A durable that vanishes under a subscription is made again, and found again by a
// subscription that only binds.
func TestLostDurable(t *testing.T) {
	t.Parallel()
	for name, provision := range map[string]natspubsub.Provision{
		"create": natspubsub.ProvisionCreate, "bind": natspubsub.ProvisionBind,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.declare(t, func(*jetstream.ConsumerConfig) {})
			sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.Provision = provision })
			msgs := subscribe(t, sub, "work.a")
			pub := b.publisher(t, nil)
			publish(t, pub, "work.a", 1)
			receive(t, msgs).Ack()
			if err := b.js.DeleteConsumer(t.Context(), "WORK", "worker"); err != nil {
				t.Fatal(err)
			}
			if provision == natspubsub.ProvisionBind {
				nothing(t, msgs, 100*time.Millisecond)
				b.declare(t, func(*jetstream.ConsumerConfig) {})
			}
			publish(t, pub, "work.a", 1)
			for range 2 { // a new durable starts from the beginning
				receive(t, msgs).Ack()
			}
		})
	}
}

// TestRestart restarts the server twice while a hundred publishers are at work, as Watermill's TestReconnect does. (That
// one reads its list of what was published while it still fills it.)
func TestRestart(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	b := benchAt(t, server.ClientURL())
	pub := b.publisher(t, nil)
	msgs := subscribe(t, b.subscriber(t, nil), "work.a")
	const publishers, each = 100, 50
	var stored atomic.Int64
	var publishing errgroup.Group
	for i := range publishers {
		publishing.Go(func() error { return publishAll(pub, i*each, each, &stored) })
	}
	publishing.Go(func() error {
		for _, after := range []int64{publishers * each / 4, publishers * each / 2} {
			for stored.Load() < after {
				time.Sleep(time.Millisecond)
			}
			server.Stop()
			server.Restart(t)
		}
		return nil
	})
	seen := map[string]bool{}
	for len(seen) < publishers*each {
		msg := receive(t, msgs)
		seen[string(msg.Payload)] = true
		msg.Ack()
	}
	if err := publishing.Wait(); err != nil {
		t.Fatal(err)
	}
}

// publishAll stores n messages in batches of 5, each until it is stored.
func publishAll(pub message.Publisher, from, n int, stored *atomic.Int64) error {
	const batch = 5
	deadline := time.Now().Add(30 * time.Second)
	for i := from; i < from+n; i += batch {
		for msgs := numbered(i, batch); ; time.Sleep(20 * time.Millisecond) {
			err := pub.Publish("work.a", msgs...)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				return err
			}
		}
		stored.Add(batch)
	}
	return nil
}
