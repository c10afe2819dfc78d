package peers

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmjetstream "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/jetstream"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

const (
	messages = 2000 // in one round
	batch    = 100  // in one call of Publish
	work     = time.Millisecond
)

// BenchmarkPubSub publishes messages of 256 bytes to a file-backed stream and consumes them, each
// acknowledged by its handler: through pipeline/natspubsub and through both packages of
// watermill-nats, on servers of the same kind in one run. Reported are messages per second: published, consumed by a handler
// that does nothing, and consumed by handlers that work for a millisecond, each message on a
// goroutine of its own as Watermill's router has it.
func BenchmarkPubSub(b *testing.B) {
	for _, peer := range []struct {
		name string
		open func(b *testing.B, url, topic string) (message.Publisher, message.Subscriber)
	}{
		{"natspubsub", openOurs},
		{"watermill-nats", openTheirs},
		{"watermill-nats-jetstream", openTheirNewer},
	} {
		b.Run(peer.name, func(b *testing.B) {
			server := natstest.Start(b)
			round := 0
			var publishing, consuming, working time.Duration
			for b.Loop() {
				round++
				topic := fmt.Sprint("bench", round)
				makeStream(b, server.ClientURL(), topic)
				pub, sub := peer.open(b, server.ClientURL(), topic)
				publishing += timed(func() { publish(b, pub, topic) })
				out := subscribe(b, sub, topic)
				consuming += timed(func() { consume(b, out) })
				publish(b, pub, topic)
				working += timed(func() { handle(b, out) })
				if err := sub.Close(); err != nil {
					b.Fatal(err)
				}
				if err := pub.Close(); err != nil {
					b.Fatal(err)
				}
			}
			done := float64(messages * round)
			b.ReportMetric(done/publishing.Seconds(), "published/s")
			b.ReportMetric(done/consuming.Seconds(), "consumed/s")
			b.ReportMetric(done/working.Seconds(), "handled-1ms/s")
		})
	}
}

// makeStream makes a stream that is named as its only subject, as watermill-nats wants it.
func makeStream(b *testing.B, url, topic string) {
	b.Helper()
	js, err := jetstream.New(connect(b, url))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: topic, Subjects: []string{topic}}); err != nil {
		b.Fatal(err)
	}
}

func publish(b *testing.B, pub message.Publisher, topic string) {
	b.Helper()
	payload := make([]byte, 256)
	for range messages / batch {
		list := make([]*message.Message, batch)
		for i := range list {
			list[i] = message.NewMessage(watermill.NewUUID(), payload)
		}
		if err := pub.Publish(topic, list...); err != nil {
			b.Fatal(err)
		}
	}
}

func timed(work func()) time.Duration {
	start := time.Now()
	work()
	return time.Since(start)
}

func subscribe(b *testing.B, sub message.Subscriber, topic string) <-chan *message.Message {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	b.Cleanup(cancel)
	out, err := sub.Subscribe(ctx, topic)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func next(b *testing.B, out <-chan *message.Message) *message.Message {
	b.Helper()
	msg, ok := <-out
	if !ok {
		b.Fatal("the subscription ended early")
	}
	return msg
}

func consume(b *testing.B, out <-chan *message.Message) {
	b.Helper()
	for range messages {
		next(b, out).Ack()
	}
}

func handle(b *testing.B, out <-chan *message.Message) {
	b.Helper()
	var handlers sync.WaitGroup
	for range messages {
		msg := next(b, out)
		handlers.Go(func() {
			time.Sleep(work)
			msg.Ack()
		})
	}
	handlers.Wait()
}

func connect(b *testing.B, url string) *nats.Conn {
	b.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	return nc
}

func openOurs(b *testing.B, url, topic string) (message.Publisher, message.Subscriber) {
	b.Helper()
	nc := connect(b, url)
	pub, err := natspubsub.NewPublisher(nc, natspubsub.DefaultPublisherConfig())
	if err != nil {
		b.Fatal(err)
	}
	cfg := natspubsub.DefaultSubscriberConfig()
	cfg.Stream = func(string) string { return topic }
	cfg.Durable = func(string) string { return "bench" }
	cfg.Provision = natspubsub.ProvisionCreate
	cfg.Prefetch = 256 // theirs have 500 and more ahead
	sub, err := natspubsub.NewSubscriber(nc, cfg)
	if err != nil {
		b.Fatal(err)
	}
	return pub, sub
}

// openTheirs configures watermill-nats for the same promise: durable, deduplicated by id,
// acknowledged one by one. Acknowledgements are asynchronous, as ours are.
func openTheirs(b *testing.B, url, _ string) (message.Publisher, message.Subscriber) {
	b.Helper()
	log := watermill.NewSlogLogger(slog.New(slog.DiscardHandler))
	js := wmnats.JetStreamConfig{TrackMsgId: true, AckAsync: true, DurablePrefix: "bench"}
	pub, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: url, JetStream: js}, log)
	if err != nil {
		b.Fatal(err)
	}
	sub, err := wmnats.NewSubscriber(wmnats.SubscriberConfig{
		URL: url, QueueGroupPrefix: "bench", SubscribersCount: 1, AckWaitTimeout: 30 * time.Second, JetStream: js,
	}, log)
	if err != nil {
		b.Fatal(err)
	}
	return pub, sub
}

// openTheirNewer configures the package of watermill-nats on nats.go's newer API, which has
// neither message ids nor, by itself, a durable.
func openTheirNewer(b *testing.B, url, _ string) (message.Publisher, message.Subscriber) {
	b.Helper()
	log := watermill.NewSlogLogger(slog.New(slog.DiscardHandler))
	pub, err := wmjetstream.NewPublisher(wmjetstream.PublisherConfig{URL: url, Logger: log})
	if err != nil {
		b.Fatal(err)
	}
	sub, err := wmjetstream.NewSubscriber(wmjetstream.SubscriberConfig{URL: url, Logger: log, AckAsync: true})
	if err != nil {
		b.Fatal(err)
	}
	return pub, sub
}
