package natspubsub_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

func (b *bench) stored(t *testing.T) uint64 {
	t.Helper()
	stream, err := b.js.Stream(t.Context(), "WORK")
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestPublishStoresOnceByMessageID(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		id   func(string, *message.Message) string
		want uint64 // after the same message twice on one topic and once on another
		on1  string // the Nats-Msg-Id of the first
	}{
		"uuid":  {natspubsub.MessageUUID, 1, "u1"},
		"topic": {natspubsub.TopicUUID, 2, "work.a/u1"},
		"none":  {natspubsub.NoMessageID, 3, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			pub := b.publisher(t, func(cfg *natspubsub.PublisherConfig) { cfg.MessageID = c.id })
			for _, topic := range []string{"work.a", "work.a", "work.b"} {
				if err := pub.Publish(topic, message.NewMessage("u1", []byte("x"))); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.stored(t); got != c.want {
				t.Errorf("%d stored: want %d", got, c.want)
			}
			stream, err := b.js.Stream(t.Context(), "WORK")
			if err != nil {
				t.Fatal(err)
			}
			first, err := stream.GetMsg(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := first.Header.Get(jetstream.MsgIDHeader); got != c.on1 {
				t.Errorf("Nats-Msg-Id %q: want %q", got, c.on1)
			}
		})
	}
}

// With nats.go's defaults a call that must wait for a place among the pending messages
// fails after 200 ms, less than a slow round trip.
func TestPublishManyWithFewPending(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.nc = connect(t, slowLink(t, b.nc.ConnectedUrl(), 150*time.Millisecond))
	pub := b.publisher(t, func(cfg *natspubsub.PublisherConfig) { cfg.MaxPending = 8 })
	publish(t, pub, "work.a", 40)
	if got := b.stored(t); got != 40 {
		t.Errorf("%d stored: want 40", got)
	}
}

// One call must not wait for each acknowledgement: through a link with a round trip of
// 40 ms, 100 messages would take 4 s one by one.
func TestPublishPipelines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.nc = connect(t, slowLink(t, b.nc.ConnectedUrl(), 20*time.Millisecond))
	pub := b.publisher(t, nil)
	start := time.Now()
	publish(t, pub, "work.a", 100)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("100 messages took %v: they waited for each other", took)
	}
}

func TestPublishErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pub := b.publisher(t, func(cfg *natspubsub.PublisherConfig) { cfg.AckTimeout = 2 * time.Second })
	ok := func() *message.Message { return message.NewMessage("", []byte("x")) }
	large := message.NewMessage("", make([]byte, 3<<20))
	ended, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("told to stop")
	cancel(cause)
	stopped := ok()
	stopped.SetContext(ended)
	cases := map[string]struct {
		topic string
		msgs  []*message.Message
		want  error
		text  string
	}{
		"no stream":     {"elsewhere", []*message.Message{ok()}, jetstream.ErrNoStreamResponse, "1 of 1 messages not stored"},
		"too large":     {"work.a", []*message.Message{ok(), large, ok()}, nats.ErrMaxPayload, "2 of 3 messages not stored"},
		"context ended": {"work.a", []*message.Message{stopped}, cause, "1 of 1"},
		"bad subject":   {"work a", []*message.Message{ok()}, nats.ErrBadSubject, "1 of 1"},
		"bad uuid":      {"work.a", []*message.Message{message.NewMessage("a\nb", nil)}, nil, "UUID"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := pub.Publish(c.topic, c.msgs...)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v: want %v, %q", err, c.want, c.text)
			}
		})
	}
}

func TestPublisherClose(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pub := b.publisher(t, nil)
	publish(t, pub, "work.a", 1)
	for range 2 {
		if err := pub.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := pub.Publish("work.a", message.NewMessage("", nil)); !errors.Is(err, natspubsub.ErrClosed) {
		t.Errorf("got %v: want ErrClosed", err)
	}
	if b.nc.Status() != nats.CONNECTED {
		t.Errorf("connection is %v: it belongs to the caller", b.nc.Status())
	}
}

func TestPublishUnstored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pub := b.publisher(t, func(cfg *natspubsub.PublisherConfig) { cfg.Unstored = natspubsub.UnstoredSend })
	listener, err := b.nc.SubscribeSync("plain.*")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, pub, "plain.a", 2)
	for range 2 {
		if _, err := listener.NextMsg(patience); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, pub, "work.a", 2)
	if got := b.stored(t); got != 2 {
		t.Errorf("%d stored: want 2, the subject has a stream", got)
	}
	// The stream goes: the next call fails, the one after that knows.
	if err := b.js.DeleteStream(t.Context(), "WORK"); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish("work.a", message.NewMessage("", nil)); err == nil {
		t.Error("want an error: nothing stored the message")
	}
	publish(t, pub, "work.a", 1)
}

func TestPublisherConfigValidate(t *testing.T) {
	t.Parallel()
	err := natspubsub.PublisherConfig{}.Validate()
	for _, field := range []string{"Subject", "MaxPending", "AckTimeout", "Unstored"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v does not name %s", err, field)
		}
	}
	if err := natspubsub.DefaultPublisherConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// TestPublishSaysWhatWasNotSent fails before anything leaves.
func TestPublishSaysWhatWasNotSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, unstored := range []natspubsub.Unstored{natspubsub.UnstoredRefuse, natspubsub.UnstoredSend} {
		pub := b.publisher(t, func(cfg *natspubsub.PublisherConfig) { cfg.Unstored = unstored })
		for _, topic := range []string{"work.a", "elsewhere"} {
			late := message.NewMessage("u", nil)
			late.SetContext(gone)
			for what, msg := range map[string]*message.Message{"id": message.NewMessage("a\nb", nil), "context": late} {
				if err := pub.Publish(topic, msg); !natspubsub.IsRefused(err) || !errors.Is(err, natspubsub.ErrNotSent) {
					t.Errorf("%s on %s: %v, want it known as not sent", what, topic, err)
				}
			}
		}
	}
}
