package natspubsub

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Subscriber is a Watermill subscriber. It is safe for concurrent use.
type Subscriber struct {
	cfg SubscriberConfig
	nc  *nats.Conn
	js  jetstream.JetStream

	mu      sync.Mutex
	closed  bool
	stops   map[*subscription]context.CancelFunc // end the fetching of the open subscriptions
	running sync.WaitGroup                       // the goroutines of the subscriptions
}

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber returns a subscriber on a connection that stays the caller's.
func NewSubscriber(nc *nats.Conn, cfg SubscriberConfig) (*Subscriber, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("natspubsub: %w", err)
	}
	cfg.Logger = orDiscard(cfg.Logger)
	return &Subscriber{cfg: cfg, nc: nc, js: js, stops: make(map[*subscription]context.CancelFunc)}, nil
}

// SubscribeInitialize does what Subscribe does about the topic's durable, and no more.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	_, err := s.durable(context.Background(), topic)
	return err
}

// Subscribe binds to the topic's durable consumer and returns its messages, at most MaxInFlight
// unsettled at a time, until ctx ends or Close is called; then the channel is closed. A
// message's context carries ctx's values and a Delivery; it ends when the message is settled
// and, where that takes longer than the drain time after ctx, with the cause ErrClosed.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	consumer, err := s.durable(ctx, topic)
	if err != nil {
		return nil, err
	}
	sub := newSubscription(s, topic, consumer)
	fetching, stop := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		stop()
		return nil, ErrClosed
	}
	s.stops[sub] = stop
	s.running.Go(func() {
		sub.run(fetching)
		stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.stops, sub)
	})
	return sub.out, nil
}

// Close stops fetching, gives back what no handler has, waits for the rest at most the drain time and
// closes the channels. The durables stay, the connection stays open. Close may be called again.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, stop := range s.stops {
		stop()
	}
	s.mu.Unlock()
	s.running.Wait()
	if err := s.nc.FlushTimeout(s.cfg.RequestTimeout); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("natspubsub: close: the last acknowledgements may be lost: %w", err)
	}
	return nil
}
