package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// tapIdle is how long nobody may read a Tap before the server forgets it, and with it where it stands. tapWait is how long a reader may
// keep a batch before another gets it.
const (
	tapIdle = time.Hour
	tapWait = 90 * time.Second
)

// Tap reads what is stored in a stream from when it is first used on, in batches, for work that may be missed: all processes that use one
// name share the messages, and one that comes back within an hour goes on where it stopped. There is no consumer where nobody reads: the
// server removes it after that hour, and the next reader begins with what is new. It is meant for one goroutine.
type Tap struct {
	bus      *Bus
	durable  Durable
	consumer jetstream.Consumer // nil where it must be asked for
}

// NewTap returns a tap; nothing is asked of the server yet.
func (b *Bus) NewTap(d Durable) *Tap { return &Tap{bus: b, durable: d} }

// Open makes sure that the consumer exists, so that what is stored from now on is read.
func (t *Tap) Open(ctx context.Context) (err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	cfg := durable(t.durable.Name, jetstream.AckAllPolicy)
	cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	cfg.InactiveThreshold, cfg.AckWait = tapIdle, tapWait
	t.consumer, err = t.bus.js.CreateOrUpdateConsumer(ctx, t.durable.Stream, cfg)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("bus: stream %s is missing: run `hal9 provision --nats %s`: %w", t.durable.Stream, t.bus.URL(), err)
	}
	if err != nil {
		return fmt.Errorf("bus: consumer %s on %s: %w", t.durable.Name, t.durable.Stream, err)
	}
	return nil
}

// Next returns the next messages, at most so many, or those that came until wait was over.
func (t *Tap) Next(ctx context.Context, most int, wait time.Duration) ([]Tapped, error) {
	if t.consumer == nil {
		if err := t.Open(ctx); err != nil {
			return nil, err
		}
	}
	batch, err := t.consumer.Fetch(most, jetstream.FetchMaxWait(wait))
	if err != nil {
		t.consumer = nil
		return nil, fmt.Errorf("bus: read %s: %w", t.durable.Name, err)
	}
	list := make([]Tapped, 0, most)
	for msg := range batch.Messages() {
		m, err := messageOf(msg)
		if err != nil {
			return list, fmt.Errorf("bus: read %s: %w", t.durable.Name, err)
		}
		list = append(list, Tapped{Message: m, msg: msg})
	}
	if err := batch.Error(); err != nil {
		t.consumer = nil
		return list, fmt.Errorf("bus: read %s: %w", t.durable.Name, err)
	}
	return list, nil
}

// Tapped is a message that a Tap has read.
type Tapped struct {
	Message

	msg jetstream.Msg
}

// Done says that this message and all before it, whoever read them, need no further delivery, and returns when the server has noted it.
func (t *Tapped) Done(ctx context.Context) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	if err := t.msg.DoubleAck(ctx); err != nil {
		return fmt.Errorf("bus: acknowledge message %d on %s: %w", t.Seq, t.Subject, err)
	}
	return nil
}

// GiveBack has messages delivered again at once. One before a message that another reader has done with since is not: see Done.
func GiveBack(batch []Tapped) error {
	for i := range batch {
		if err := batch[i].msg.Nak(); err != nil {
			return fmt.Errorf("bus: give back message %d on %s: %w", batch[i].Seq, batch[i].Subject, err)
		}
	}
	return nil
}

// Waiting returns how many messages of its stream were behind this one when it was read.
func (t *Tapped) Waiting() uint64 {
	meta, err := t.msg.Metadata()
	if err != nil {
		return 0
	}
	return meta.NumPending
}
