package natspubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ConsumerError says why a subscriber does not use a durable consumer.
type ConsumerError struct {
	Stream, Durable string
	Err             error
}

// Error names stream and durable.
func (e *ConsumerError) Error() string {
	return fmt.Sprintf("natspubsub: durable %q on stream %q: %v", e.Durable, e.Stream, e.Err)
}

// Unwrap returns the reason.
func (e *ConsumerError) Unwrap() error { return e.Err }

// durable finds, verifies or creates the durable consumer of a topic.
func (s *Subscriber) durable(ctx context.Context, topic string) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancel()
	stream, durable := s.cfg.Stream(topic), s.cfg.Durable(topic)
	want := s.wanted(topic)
	consumer, err := s.js.Consumer(ctx, stream, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && s.cfg.Provision == ProvisionCreate {
		// Two subscribers that get here together ask for the same, which the server allows.
		consumer, err = s.js.CreateConsumer(ctx, stream, want)
	}
	if err == nil {
		err = usable(consumer.CachedInfo().Config)
	}
	if err == nil && s.cfg.Provision != ProvisionBind {
		err = differences(consumer.CachedInfo().Config, want)
	}
	if err != nil {
		return nil, &ConsumerError{Stream: stream, Durable: durable, Err: err}
	}
	return consumer, nil
}

// wanted returns the consumer that the configuration describes for a topic.
func (s *Subscriber) wanted(topic string) jetstream.ConsumerConfig {
	want := s.cfg.Consumer
	want.Durable = s.cfg.Durable(topic)
	want.Name = want.Durable
	want.FilterSubject = s.cfg.Subject(topic)
	want.FilterSubjects = nil
	return want
}

// usable reports what keeps a consumer from being used at all.
func usable(have jetstream.ConsumerConfig) error {
	if have.AckPolicy != jetstream.AckExplicitPolicy {
		return fmt.Errorf("acknowledgement policy is %v: want explicit, messages are settled one by one", have.AckPolicy)
	}
	if have.Durable == "" {
		return errors.New("it is not durable: it would vanish while nobody subscribes")
	}
	return nil
}

// differences reports where an existing consumer is not as wanted. Values that the
// configuration leaves to the server are not compared.
func differences(have, want jetstream.ConsumerConfig) error {
	var problems []error
	differ := func(what string, have, want any) {
		problems = append(problems, fmt.Errorf("%s is %v: want %v", what, have, want))
	}
	filters := have.FilterSubjects
	if have.FilterSubject != "" {
		filters = []string{have.FilterSubject}
	}
	if !slices.Equal(filters, []string{want.FilterSubject}) {
		differ("filter", filters, want.FilterSubject)
	}
	if have.DeliverPolicy != want.DeliverPolicy {
		differ("deliver policy", have.DeliverPolicy, want.DeliverPolicy)
	}
	if want.AckWait != 0 && have.AckWait != want.AckWait {
		differ("ack wait", have.AckWait, want.AckWait)
	}
	if want.MaxDeliver != 0 && have.MaxDeliver != want.MaxDeliver {
		differ("max deliver", have.MaxDeliver, want.MaxDeliver)
	}
	if want.MaxAckPending != 0 && have.MaxAckPending != want.MaxAckPending {
		differ("max ack pending", have.MaxAckPending, want.MaxAckPending)
	}
	if len(want.BackOff) != 0 && !slices.Equal(have.BackOff, want.BackOff) {
		differ("backoff", have.BackOff, want.BackOff)
	}
	return errors.Join(problems...)
}

// heartbeat returns how often the server must hear about a message in work: three times
// within the shortest wait after which it would deliver the message again. A fetch that
// nobody reads for as long is stopped (park), so it is shorter than pullHeartbeat too: the
// server's heartbeats must not fill the fetch's buffer, or nats.go drops messages.
func heartbeat(have jetstream.ConsumerConfig) time.Duration {
	wait := have.AckWait
	for _, step := range have.BackOff {
		wait = min(wait, step)
	}
	const least, most = 5 * time.Millisecond, pullHeartbeat - time.Second
	return min(max(wait/3, least), most)
}
