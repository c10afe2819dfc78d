package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Taken is a message that a durable consumer has on loan: until it is done, or for the time of an ack wait.
type Taken struct {
	Message

	msg jetstream.Msg
}

// Done says that the message needs no further delivery.
func (t *Taken) Done() error {
	if err := t.msg.Ack(); err != nil {
		return fmt.Errorf("bus: acknowledge message %d on %s: %w", t.Seq, t.Subject, err)
	}
	return nil
}

// Take returns the next messages of a durable consumer, at most so many, or none where none comes for idle. Each is handed out to one process
// at a time, and again where it is not done.
func (b *Bus) Take(ctx context.Context, d Durable, most int, idle time.Duration) ([]Taken, error) {
	asking, cancel := ask(ctx)
	consumer, err := b.js.Consumer(asking, d.Stream, d.Name)
	cancel()
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("bus: consumer %s on stream %s is missing: run `hal9 provision --nats %s`: %w", d.Name, d.Stream, b.URL(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: consumer %s on stream %s: %w", d.Name, d.Stream, err)
	}
	waiting, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	first, err := consumer.Fetch(1, jetstream.FetchContext(waiting)) // What comes alone is not kept waiting for company.
	if err != nil {
		return nil, fmt.Errorf("bus: take from %s: %w", d.Name, err)
	}
	list, err := taken(nil, first)
	if len(list) == 0 && waiting.Err() != nil {
		return nil, nil
	}
	if err != nil || len(list) == 0 || most == 1 {
		return list, err
	}
	rest, err := consumer.FetchNoWait(most - 1)
	if err != nil {
		return list, fmt.Errorf("bus: take from %s: %w", d.Name, err)
	}
	return taken(list, rest)
}

func taken(list []Taken, batch jetstream.MessageBatch) ([]Taken, error) {
	for msg := range batch.Messages() {
		m, err := messageOf(msg)
		if err != nil {
			return list, err
		}
		list = append(list, Taken{Message: m, msg: msg})
	}
	return list, batch.Error()
}
