package natspubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Delivery is what JetStream says about a message. It comes with the message's context.
type Delivery struct {
	Stream   string
	Consumer string
	Subject  string
	Sequence uint64      // in the stream
	Attempt  uint64      // 1 for the first delivery
	Stored   time.Time   // when the stream stored the message
	Pending  uint64      // messages of the consumer that were not delivered yet
	Header   nats.Header // as it came, Nats-* included; not to be changed

	mu    sync.Mutex
	delay time.Duration // asked for by DelayNack; 0 for the configured backoff
}

type deliveryKey struct{}

// DeliveryOf returns the delivery of the message whose context ctx is or is made from.
func DeliveryOf(ctx context.Context) (*Delivery, bool) {
	d, ok := ctx.Value(deliveryKey{}).(*Delivery)
	return d, ok
}

// DelayNack sets after which delay the message is delivered again should it be rejected, in
// place of the configured backoff: for a handler that knows, such as from Retry-After.
func (d *Delivery) DelayNack(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delay = delay
}

func (d *Delivery) nackDelay(backoff func(*Delivery) time.Duration) time.Duration {
	d.mu.Lock()
	delay := d.delay
	d.mu.Unlock()
	if delay > 0 {
		return delay
	}
	return backoff(d)
}

// held is a message that the server believes to be in work here.
type held struct {
	*Delivery
	raw jetstream.Msg

	settling sync.Mutex // keeps a heartbeat from following, and so undoing, a delayed rejection
	settled  bool
}

func newHeld(raw jetstream.Msg) (*held, error) {
	meta, err := raw.Metadata()
	if err != nil {
		return nil, err
	}
	return &held{raw: raw, Delivery: &Delivery{
		Stream: meta.Stream, Consumer: meta.Consumer, Subject: raw.Subject(), Sequence: meta.Sequence.Stream,
		Attempt: meta.NumDelivered, Stored: meta.Timestamp, Pending: meta.NumPending, Header: raw.Headers(),
	}}, nil
}

// settle tells the server what became of the message, by the one given call.
func (h *held) settle(tell func() error) error {
	h.settling.Lock()
	defer h.settling.Unlock()
	h.settled = true
	return tell()
}

// beat tells the server that the message is still worked on.
func (h *held) beat() error {
	h.settling.Lock()
	defer h.settling.Unlock()
	if h.settled {
		return nil
	}
	if err := h.raw.InProgress(); !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		return err
	}
	return nil
}
