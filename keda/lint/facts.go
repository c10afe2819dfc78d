package lint

import (
	"context"
	"errors"
)

// What Facts answer where there is nothing to tell of.
var (
	ErrNoStream   = errors.New("lint: no such stream")
	ErrNoConsumer = errors.New("lint: no such consumer")
	ErrUnknown    = errors.New("lint: nothing is known of it")
)

// Consumer is what is known of a consumer.
type Consumer struct {
	Durable       bool // it stays while nobody uses it
	MaxAckPending int  // messages that may be worked on at once, by all its replicas together; -1 is no bound
}

// Facts are what is known of NATS.
type Facts interface {
	// Consumer tells of a consumer. Its error is ErrNoStream, ErrNoConsumer, ErrUnknown where it cannot say, or why it
	// could not ask.
	Consumer(ctx context.Context, stream, name string) (Consumer, error)
	// Partitions is how many partitions each keyed layer of HAL9 has; 0 where that is not known.
	Partitions() int
}
