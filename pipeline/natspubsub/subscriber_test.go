package natspubsub_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) { cfg.MaxInFlight = 5 })
	publish(t, b.publisher(t, nil), "work.a", 20)
	msgs := subscribe(t, sub, "work.a")
	held := make([]*message.Message, 5)
	for i := range held {
		held[i] = receive(t, msgs)
		if got := string(held[i].Payload); got != strconv.Itoa(i) {
			t.Errorf("message %d is %s: want stream order", i, got)
		}
	}
	nothing(t, msgs, 200*time.Millisecond)
	held[3].Ack() // any of them makes room for one
	next := receive(t, msgs)
	nothing(t, msgs, 100*time.Millisecond)
	next.Ack()
	for _, msg := range held {
		msg.Ack()
	}
	for range 14 {
		receive(t, msgs).Ack()
	}
	b.settled(t)
}

// A handler that works four times as long as the server waits gets its message once, and
// so do the handlers of what was fetched ahead meanwhile.
func TestSlowHandlersGetMessagesOnce(t *testing.T) {
	t.Parallel()
	const ackWait = 300 * time.Millisecond
	b := newBench(t)
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) {
		cfg.MaxInFlight = 2
		cfg.Prefetch = 4
		cfg.Consumer.AckWait = ackWait
	})
	publish(t, b.publisher(t, nil), "work.a", 6)
	msgs := subscribe(t, sub, "work.a")
	for range 3 {
		first, second := receive(t, msgs), receive(t, msgs)
		time.Sleep(4 * ackWait)
		for _, msg := range []*message.Message{first, second} {
			if d := delivery(t, msg); d.Attempt != 1 {
				t.Errorf("message %s: attempt %d", msg.Payload, d.Attempt)
			}
			msg.Ack()
		}
	}
	b.settled(t)
	if info := b.info(t); info.Delivered.Consumer != 6 {
		t.Errorf("%d deliveries of 6 messages", info.Delivered.Consumer)
	}
}

// The same where nobody reads the channel: no other subscriber gets what waits there.
func TestUnreadMessagesStayHeld(t *testing.T) {
	t.Parallel()
	const ackWait = 300 * time.Millisecond
	b := newBench(t)
	slow := func(cfg *natspubsub.SubscriberConfig) {
		cfg.Prefetch = 4
		cfg.Consumer.AckWait = ackWait
	}
	publish(t, b.publisher(t, nil), "work.a", 4)
	msgs := subscribe(t, b.subscriber(t, slow), "work.a")
	eventually(t, func() error {
		if n := b.info(t).NumAckPending; n < 4 {
			return fmt.Errorf("%d of 4 fetched", n)
		}
		return nil
	})
	others := subscribe(t, b.subscriber(t, slow), "work.a")
	nothing(t, others, 4*ackWait)
	for range 4 {
		receive(t, msgs).Ack()
	}
	b.settledAfter(t, 4)
}

func TestNackDelays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var asked []uint64
	sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) {
		cfg.MaxInFlight = 1
		cfg.Backoff = func(d *natspubsub.Delivery) time.Duration {
			asked = append(asked, d.Attempt) // one in flight: no two at once
			return 300 * time.Millisecond
		}
	})
	publish(t, b.publisher(t, nil), "work.a", 1)
	msgs := subscribe(t, sub, "work.a")
	start := time.Now()
	receive(t, msgs).Nack()
	msg := receive(t, msgs)
	if took := time.Since(start); took < 290*time.Millisecond {
		t.Errorf("delivered again after %v: want the 300 ms of the backoff", took)
	}
	d := delivery(t, msg)
	if d.Attempt != 2 || d.Stream != "WORK" || d.Sequence != 1 || d.Consumer != "worker" || d.Subject != "work.a" || d.Stored.IsZero() {
		t.Errorf("delivery %+v", d)
	}
	d.DelayNack(800 * time.Millisecond)
	start = time.Now()
	msg.Nack()
	receive(t, msgs).Ack()
	if took := time.Since(start); took < 790*time.Millisecond {
		t.Errorf("delivered again after %v: want the 800 ms asked for", took)
	}
	if diff := cmp.Diff([]uint64{1}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestExponentialBackoff(t *testing.T) {
	t.Parallel()
	backoff := natspubsub.ExponentialBackoff(time.Second, 5*time.Second)
	for attempt, want := range map[uint64]time.Duration{1: 1, 2: 2, 3: 4, 4: 5, 1 << 60: 5} {
		if got := backoff(&natspubsub.Delivery{Attempt: attempt}); got != want*time.Second {
			t.Errorf("attempt %d: %v, want %v s", attempt, got, want)
		}
	}
}

func TestForeignMessages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "work.a", Header: nats.Header{"X": {"1", "2"}}}); err != nil {
		t.Fatal(err)
	}
	msgs := subscribe(t, b.subscriber(t, nil), "work.a")
	msg := receive(t, msgs)
	if msg.UUID != "WORK:1" {
		t.Errorf("UUID %q: want one made from the place in the stream", msg.UUID)
	}
	if diff := cmp.Diff(message.Metadata{"X": "1", "X[1]": "2"}, msg.Metadata); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, delivery(t, msg).Header.Values("X")); diff != "" {
		t.Error(diff)
	}
	msg.Ack()
}

func TestUndecodable(t *testing.T) {
	t.Parallel()
	broken := &nats.Msg{Subject: "work.a", Header: nats.Header{natspubsub.HeaderMetadata: {"%zz"}}, Data: []byte("raw")}

	t.Run("terminated", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		advisories, err := b.nc.SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>")
		if err != nil {
			t.Fatal(err)
		}
		msgs := subscribe(t, b.subscriber(t, nil), "work.a")
		if _, err := b.js.PublishMsg(t.Context(), broken); err != nil {
			t.Fatal(err)
		}
		advisory, err := advisories.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(advisory.Data), natspubsub.HeaderMetadata) {
			t.Errorf("advisory %s does not say why", advisory.Data)
		}
		publish(t, b.publisher(t, nil), "work.a", 1)
		receive(t, msgs).Ack() // the subscription lives on
		b.settled(t)
	})

	t.Run("handed on", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		type call struct {
			attempt uint64
			data    string
		}
		calls := make(chan call, 10)
		sub := b.subscriber(t, func(cfg *natspubsub.SubscriberConfig) {
			cfg.OnUndecodable = func(_ context.Context, d *natspubsub.Delivery, data []byte, err error) error {
				calls <- call{d.Attempt, string(data)}
				if err == nil || d.Attempt == 1 {
					return errors.New("dead letters are down")
				}
				return nil
			}
		})
		msgs := subscribe(t, sub, "work.a")
		if _, err := b.js.PublishMsg(t.Context(), broken); err != nil {
			t.Fatal(err)
		}
		b.settledAfter(t, 2)
		nothing(t, msgs, 100*time.Millisecond)
		if diff := cmp.Diff([]call{{1, "raw"}, {2, "raw"}}, []call{<-calls, <-calls}, cmp.AllowUnexported(call{})); diff != "" {
			t.Error(diff)
		}
	})
}

// settledAfter waits until the durable has delivered n times and nothing is left.
func (b *bench) settledAfter(t *testing.T, n uint64) {
	t.Helper()
	eventually(t, func() error {
		info := b.info(t)
		if info.Delivered.Consumer != n || info.NumAckPending > 0 || info.NumPending > 0 {
			return errors.New("deliveries " + strconv.FormatUint(info.Delivered.Consumer, 10))
		}
		return nil
	})
}

func TestSubscriberConfigValidate(t *testing.T) {
	t.Parallel()
	err := natspubsub.SubscriberConfig{Drain: -1}.Validate()
	for _, field := range []string{"Stream", "Backoff", "Provision", "MaxInFlight", "Drain"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v does not name %s", err, field)
		}
	}
	cfg := subscriberConfig()
	cfg.Consumer.AckPolicy = jetstream.AckAllPolicy
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "AckPolicy") {
		t.Errorf("error %v does not name AckPolicy", err)
	}
}
