package outbound

import (
	"context"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// subscribePause is the time between two tries to subscribe.
const subscribePause = time.Second

// Patient has a router wait for what it subscribes to: a Watermill router ends for good where a subscription fails, and NATS may have no
// leader for a while. Subscribe then tries again until ctx ends.
func Patient(subscriber message.Subscriber, log *slog.Logger) message.Subscriber {
	return patient{subscriber, log}
}

type patient struct {
	message.Subscriber
	log *slog.Logger
}

// Subscribe implements message.Subscriber. Where ctx ends first there are no messages and no error: the router is to stop.
func (p patient) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	for {
		messages, err := p.Subscriber.Subscribe(ctx, topic)
		if err == nil {
			return messages, nil
		}
		if ctx.Err() == nil {
			p.log.WarnContext(ctx, "can't subscribe, trying again", "topic", topic, "error", err)
		}
		timer := time.NewTimer(subscribePause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			none := make(chan *message.Message)
			close(none)
			return none, nil
		}
	}
}
