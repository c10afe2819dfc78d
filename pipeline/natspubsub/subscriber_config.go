package natspubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Provision says what Subscribe does about the durable consumer. Nothing deletes one.
type Provision uint8

const (
	// ProvisionBind uses the durable as it is; it must exist.
	ProvisionBind Provision = iota + 1
	// ProvisionVerify uses the durable, which must exist and be as Consumer and Subject say.
	ProvisionVerify
	// ProvisionCreate creates a missing durable; one that exists must be as Consumer and Subject say.
	ProvisionCreate
)

// SubscriberConfig says what a Subscriber consumes and how.
type SubscriberConfig struct {
	// Stream maps a topic to the stream that holds its messages. Required.
	Stream func(topic string) string
	// Durable maps a topic to its durable consumer. Subscriptions with the same durable share the
	// messages between them. Required.
	Durable func(topic string) string
	// Subject maps a topic to the filter of its durable; default: the topic itself. ProvisionBind
	// does not look at it.
	Subject func(topic string) string
	// Provision says what Subscribe does about the durable; default ProvisionBind.
	Provision Provision
	// Consumer is what ProvisionCreate makes and ProvisionVerify wants; Durable and filter come from
	// the mappings above. Default: explicit acknowledgement, AckWait 30 s, at most 1,024 messages
	// unsettled over all subscribers, no bound on deliveries.
	Consumer jetstream.ConsumerConfig
	// Codec turns NATS messages into messages; default HeaderCodec.
	Codec Codec
	// MaxInFlight bounds the messages of one subscription that are handed out and not settled;
	// default 64. With 1 here and in Consumer.MaxAckPending, messages come strictly in order,
	// rejected ones included.
	MaxInFlight int
	// Prefetch bounds what one subscription fetches ahead of that, at least 2; default 64.
	Prefetch int
	// Backoff returns after which delay a rejected message is delivered again; default
	// ExponentialBackoff(100 ms, 1 min).
	Backoff func(d *Delivery) time.Duration
	// OnUndecodable is given a message that Codec cannot decode. After nil the message is
	// terminated, after an error delivered again with Backoff. Without it (the default) the
	// message is logged as an error and terminated, which the server announces in an advisory.
	OnUndecodable func(ctx context.Context, d *Delivery, data []byte, err error) error
	// Drain bounds how long Close waits for messages in flight; then their contexts end with the
	// cause ErrClosed and they go back to the server. Default 10 s.
	Drain time.Duration
	// RequestTimeout bounds each question to the server; default 5 s.
	RequestTimeout time.Duration
	// RetryWait is the pause before a broken subscription is opened again; default 1 s.
	RetryWait time.Duration
	// Logger gets what goes wrong; default: nothing is logged.
	Logger *slog.Logger
}

// DefaultSubscriberConfig returns the defaults; Stream and Durable stay empty.
func DefaultSubscriberConfig() SubscriberConfig {
	return SubscriberConfig{
		Subject:   same,
		Provision: ProvisionBind,
		Consumer: jetstream.ConsumerConfig{
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       30 * time.Second,
			MaxDeliver:    -1,
			MaxAckPending: 1024,
		},
		Codec:          HeaderCodec{},
		MaxInFlight:    64,
		Prefetch:       64,
		Backoff:        ExponentialBackoff(100*time.Millisecond, time.Minute),
		Drain:          10 * time.Second,
		RequestTimeout: 5 * time.Second,
		RetryWait:      time.Second,
	}
}

// ExponentialBackoff returns a Backoff that starts with first and doubles with every
// delivery up to most. It knows no randomness: the server spreads deliveries by itself.
func ExponentialBackoff(first, most time.Duration) func(*Delivery) time.Duration {
	return func(d *Delivery) time.Duration {
		delay := first
		for i := uint64(1); i < d.Attempt && delay < most; i++ {
			delay *= 2
		}
		return min(delay, most)
	}
}

// Validate reports every impossible value.
func (c SubscriberConfig) Validate() error {
	var problems []error
	if c.Stream == nil || c.Durable == nil {
		problems = append(problems, errors.New("natspubsub: Stream and Durable of the subscriber must be set"))
	}
	if c.Subject == nil || c.Codec == nil || c.Backoff == nil {
		problems = append(problems, errors.New("natspubsub: Subject, Codec and Backoff of the subscriber must be set: start from DefaultSubscriberConfig"))
	}
	if c.Provision < ProvisionBind || c.Provision > ProvisionCreate {
		problems = append(problems, fmt.Errorf("natspubsub: Provision %d: want ProvisionBind, ProvisionVerify or ProvisionCreate", c.Provision))
	}
	if c.MaxInFlight < 1 || c.Prefetch < minPrefetch {
		problems = append(problems, fmt.Errorf("natspubsub: MaxInFlight %d, Prefetch %d: want at least 1 and %d", c.MaxInFlight, c.Prefetch, minPrefetch))
	}
	if c.Drain < 0 || c.RequestTimeout <= 0 || c.RetryWait <= 0 {
		problems = append(problems, fmt.Errorf("natspubsub: Drain %v, RequestTimeout %v, RetryWait %v: want 0 or more, above 0 and above 0",
			c.Drain, c.RequestTimeout, c.RetryWait))
	}
	if c.Consumer.AckPolicy != jetstream.AckExplicitPolicy {
		problems = append(problems, fmt.Errorf("natspubsub: Consumer.AckPolicy %v: want explicit, messages are settled one by one", c.Consumer.AckPolicy))
	}
	return errors.Join(problems...)
}
