package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// MaxAckPending is how many messages of one consumer may be worked on at once, by all processes together: thirty
// that have all open that they may.
const MaxAckPending = 64 * burstMax

// What ConsumerLimits says where there is nothing to tell of.
var (
	ErrNoStream   = errors.New("bus: no such stream")
	ErrNoConsumer = errors.New("bus: no such consumer")
)

// ConsumerLimits are what bounds a consumer, HAL9's or anybody's.
type ConsumerLimits struct {
	Durable       bool // it stays while nobody uses it
	MaxAckPending int  // messages that may be worked on at once; -1 is no bound
}

// ConsumerLimits tells what bounds a consumer.
func (b *Bus) ConsumerLimits(ctx context.Context, stream, name string) (ConsumerLimits, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	consumer, err := b.js.Consumer(ctx, stream, name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return ConsumerLimits{}, ErrNoStream
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrConsumerDoesNotExist):
		return ConsumerLimits{}, ErrNoConsumer
	case err != nil:
		return ConsumerLimits{}, fmt.Errorf("bus: consumer %s of stream %s: %w", name, stream, err)
	}
	cfg := consumer.CachedInfo().Config
	return ConsumerLimits{Durable: cfg.Durable != "" && cfg.InactiveThreshold == 0, MaxAckPending: cfg.MaxAckPending}, nil
}
