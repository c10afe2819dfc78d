package outbound_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/2lab-ai/hal9/internal/outbound"
)

// sometimes can be subscribed to from a time on.
type sometimes struct{ from time.Time }

func (s sometimes) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	if time.Now().Before(s.from) {
		return nil, errors.New("no leader")
	}
	return make(chan *message.Message), nil
}

func (sometimes) Close() error { return nil }

func TestPatientSubscribesAgainUntilItIsStopped(t *testing.T) {
	for wait, runs := range map[time.Duration]bool{30 * time.Second: true, 2 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Second}, nil)
			if err != nil {
				t.Fatal(err)
			}
			patient := outbound.Patient(sometimes{time.Now().Add(wait)}, slog.New(slog.DiscardHandler))
			router.AddConsumerHandler("x", "x", ended{patient}, func(*message.Message) error { return nil })
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			done := make(chan error, 1)
			go func() { done <- router.Run(ctx) }()
			time.Sleep(45 * time.Second)
			if _, ok := outbound.StateOf(router, false); ok != runs {
				t.Errorf("after 45s of %s the router runs: %t", wait, ok)
			}
			if err := <-done; err != nil {
				t.Errorf("stopped: %v", err)
			}
		})
	}
}

// ended closes the messages when the context ends, as subscribers do.
type ended struct{ message.Subscriber }

func (e ended) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	messages, err := e.Subscriber.Subscribe(ctx, topic)
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		select {
		case <-messages:
		case <-ctx.Done():
		}
	}()
	return out, err
}
