package peers

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// watermillRouter is Watermill's router with one handler per stage on watermill-nats (pkg/nats, which
// its authors recommend over their newer pkg/jetstream). It acknowledges a message after the handler's
// output is stored, so that AckAsync, which only does without the answer to the acknowledgement, keeps
// at least once. Message ids, which would cost it more, are not asked for. Each subscriber has one
// message in flight.
func watermillRouter(t *testing.T, subscribers int) peer {
	t.Helper()
	return peer{
		name:    fmt.Sprintf("watermill-nats, SubscribersCount %d", subscribers),
		version: version(t, "github.com/ThreeDotsLabs/watermill-nats/v2"), promise: "at least once",
		start: func(t *testing.T, server *natstest.Server) job {
			t.Helper()
			return startWatermill(t, server, subscribers)
		},
	}
}

func startWatermill(t *testing.T, server *natstest.Server, subscribers int) job {
	t.Helper()
	work := plainJob(t, server)
	log := watermill.NewSlogLogger(slog.New(slog.DiscardHandler))
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, log)
	if err != nil {
		t.Fatal(err)
	}
	js := wmnats.JetStreamConfig{
		AckAsync:          true,
		DurableCalculator: func(_, topic string) string { return "durable-" + topic },
	}
	for i := range stages {
		sub, err := wmnats.NewSubscriberWithNatsConn(dial(t, server), wmnats.SubscriberSubscriptionConfig{
			QueueGroupPrefix: "stage", SubscribersCount: subscribers, JetStream: js,
		}, log)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := wmnats.NewPublisherWithNatsConn(dial(t, server), wmnats.PublisherPublishConfig{
			Marshaler: &wmnats.NATSMarshaler{}, SubjectCalculator: wmnats.DefaultSubjectCalculator, JetStream: js,
		}, log)
		if err != nil {
			t.Fatal(err)
		}
		router.AddHandler(topic(i), topic(i), sub, topic(i+1), pub, message.PassthroughHandler)
	}
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(func() {
		if err := router.Close(); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		if err := router.Run(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	<-router.Running()
	return work
}
