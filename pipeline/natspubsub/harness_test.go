package natspubsub_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Watermill's TestReconnect never closes the channel of what it has published.
		goleak.IgnoreAnyFunction("github.com/ThreeDotsLabs/watermill/pubsub/tests.TestReconnect.func2"),
		// CleanupPublisher of nats.go 1.55 leaves the goroutine behind where it comes before that has begun, as it can on a busy machine.
		goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// bench is a server with one stream and a connection to it.
type bench struct {
	nc *nats.Conn
	js jetstream.JetStream
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return benchAt(t, natstest.Start(t).ClientURL())
}

func benchAt(t *testing.T, server string) *bench {
	t.Helper()
	nc := connect(t, server)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "WORK", Subjects: []string{"work.>"}}); err != nil {
		t.Fatal(err)
	}
	return &bench{nc: nc, js: js}
}

func connect(t *testing.T, server string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(server, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (b *bench) publisher(t *testing.T, change func(*natspubsub.PublisherConfig)) *natspubsub.Publisher {
	t.Helper()
	cfg := natspubsub.DefaultPublisherConfig()
	if change != nil {
		change(&cfg)
	}
	pub, err := natspubsub.NewPublisher(b.nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pub.Close() })
	return pub
}

// subscriberConfig is the configuration of the tests: the durable "worker" on WORK, created.
func subscriberConfig() natspubsub.SubscriberConfig {
	cfg := natspubsub.DefaultSubscriberConfig()
	cfg.Stream = func(string) string { return "WORK" }
	cfg.Durable = func(string) string { return "worker" }
	cfg.Provision = natspubsub.ProvisionCreate
	cfg.Backoff = natspubsub.ExponentialBackoff(time.Millisecond, 10*time.Millisecond)
	cfg.RetryWait = 20 * time.Millisecond
	return cfg
}

func (b *bench) subscriber(t *testing.T, change func(*natspubsub.SubscriberConfig)) *natspubsub.Subscriber {
	t.Helper()
	cfg := subscriberConfig()
	if change != nil {
		change(&cfg)
	}
	sub, err := natspubsub.NewSubscriber(b.nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Close() })
	return sub
}

func subscribe(t *testing.T, sub message.Subscriber, topic string) <-chan *message.Message {
	t.Helper()
	msgs, err := sub.Subscribe(context.Background(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return msgs
}

func (b *bench) info(t *testing.T) *jetstream.ConsumerInfo {
	t.Helper()
	consumer, err := b.js.Consumer(t.Context(), "WORK", "worker")
	if err != nil {
		t.Fatal(err)
	}
	return consumer.CachedInfo()
}

// publish stores n messages with payloads 0, 1, 2 and so on.
func publish(t *testing.T, pub message.Publisher, topic string, n int) {
	t.Helper()
	if err := pub.Publish(topic, numbered(0, n)...); err != nil {
		t.Fatal(err)
	}
}

// numbered returns n messages with payloads from, from+1 and so on.
func numbered(from, n int) []*message.Message {
	msgs := make([]*message.Message, n)
	for i := range msgs {
		msgs[i] = message.NewMessage(watermill.NewUUID(), []byte(strconv.Itoa(from+i)))
	}
	return msgs
}

// receive returns the next message, which must come.
func receive(t *testing.T, msgs <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case msg, ok := <-msgs:
		if !ok {
			t.Fatal("channel closed")
		}
		return msg
	case <-time.After(patience):
		t.Fatal("no message")
	}
	return nil
}

// nothing fails where a message comes within a while.
func nothing(t *testing.T, msgs <-chan *message.Message, while time.Duration) {
	t.Helper()
	select {
	case msg, ok := <-msgs:
		if ok {
			t.Fatalf("unexpected message %s", msg.Payload)
		}
	case <-time.After(while):
	}
}

// eventually waits until holds returns no error.
func eventually(t *testing.T, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// settled waits until the durable has nothing unsettled and nothing waiting.
func (b *bench) settled(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		if info := b.info(t); info.NumAckPending+int(info.NumPending) > 0 {
			return fmt.Errorf("%d unsettled, %d waiting", info.NumAckPending, info.NumPending)
		}
		return nil
	})
}

func delivery(t *testing.T, msg *message.Message) *natspubsub.Delivery {
	t.Helper()
	d, ok := natspubsub.DeliveryOf(msg.Context())
	if !ok {
		t.Fatal("message without delivery")
	}
	return d
}
