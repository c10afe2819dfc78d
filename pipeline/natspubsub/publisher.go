package natspubsub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxCovered bounds the subjects that a publisher remembers as covered by a stream.
const maxCovered = 1024

// Publisher is a Watermill publisher. It is safe for concurrent use.
type Publisher struct {
	cfg PublisherConfig
	nc  *nats.Conn
	js  jetstream.JetStream

	open    sync.RWMutex // held for reading by every Publish, for writing by Close
	closed  bool
	mu      sync.Mutex
	covered map[string]struct{} // subjects known to have a stream
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher on a connection that stays the caller's.
func NewPublisher(nc *nats.Conn, cfg PublisherConfig) (*Publisher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(cfg.MaxPending),
		jetstream.WithPublishAsyncTimeout(cfg.AckTimeout))
	if err != nil {
		return nil, fmt.Errorf("natspubsub: %w", err)
	}
	return &Publisher{cfg: cfg, nc: nc, js: js, covered: map[string]struct{}{}}, nil
}

// Publish sends the messages one after the other without waiting in between, then waits until
// all are stored. On an error some may be stored and some not: publishing the same messages
// again is right and, with message ids, stores nothing twice within the stream's duplicate window.
// A message whose context ends is no longer waited for.
func (p *Publisher) Publish(topic string, msgs ...*message.Message) error {
	p.open.RLock()
	defer p.open.RUnlock()
	if p.closed {
		return ErrClosed
	}
	if len(msgs) == 0 {
		return nil
	}
	subject := p.cfg.Subject(topic)
	stored, err := p.isStored(msgs[0].Context(), subject)
	if err != nil {
		return fmt.Errorf("%w on %q: does it have a stream? %w", ErrNotSent, subject, err)
	}
	if !stored {
		return p.send(topic, subject, msgs)
	}
	futures := make([]jetstream.PubAckFuture, 0, len(msgs))
	var sendErr error
	for _, msg := range msgs {
		future, err := p.start(topic, subject, msg)
		if err != nil {
			sendErr = err
			break
		}
		futures = append(futures, future)
	}
	failed := len(msgs) - len(futures)
	for i, future := range futures {
		if err := await(msgs[i].Context(), future); err != nil {
			failed++
			sendErr = cmp.Or(sendErr, err)
		}
	}
	if sendErr == nil {
		return nil
	}
	p.forget(subject)
	return fmt.Errorf("natspubsub: %d of %d messages not stored on %q: %w", failed, len(msgs), subject, sendErr)
}

// start sends one message and returns what will hold its acknowledgement.
func (p *Publisher) start(topic, subject string, msg *message.Message) (jetstream.PubAckFuture, error) {
	out, err := p.encode(topic, subject, msg)
	if err != nil {
		return nil, err
	}
	return p.js.PublishMsgAsync(out, jetstream.WithStallWait(p.cfg.AckTimeout))
}

func (p *Publisher) encode(topic, subject string, msg *message.Message) (*nats.Msg, error) {
	if err := context.Cause(msg.Context()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	out, err := p.cfg.Codec.Encode(subject, msg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if id := p.cfg.MessageID(topic, msg); id != "" {
		if !plainValue(id) {
			return nil, fmt.Errorf("%w: message id %q: want no control characters and no spaces at the ends", ErrNotSent, id)
		}
		if out.Header == nil {
			out.Header = nats.Header{}
		}
		out.Header.Set(jetstream.MsgIDHeader, id)
	}
	return out, nil
}

// await returns when the message is stored, refused, or has run into AckTimeout.
func await(ctx context.Context, future jetstream.PubAckFuture) error {
	select {
	case <-future.Ok():
		return nil
	case err := <-future.Err():
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send publishes without a stream: it returns when the server has the messages.
func (p *Publisher) send(topic, subject string, msgs []*message.Message) error {
	for i, msg := range msgs {
		out, err := p.encode(topic, subject, msg)
		if err == nil {
			err = p.nc.PublishMsg(out)
		}
		if err != nil {
			return fmt.Errorf("natspubsub: %d of %d messages not sent on %q: %w", len(msgs)-i, len(msgs), subject, err)
		}
	}
	if err := p.nc.FlushTimeout(p.cfg.AckTimeout); err != nil {
		return fmt.Errorf("natspubsub: sending on %q: %w", subject, err)
	}
	return nil
}

// isStored reports whether the subject is published through JetStream. Only UnstoredSend has
// to ask the server, and remembers the subjects that have a stream.
func (p *Publisher) isStored(ctx context.Context, subject string) (bool, error) {
	if p.cfg.Unstored == UnstoredRefuse {
		return true, nil
	}
	p.mu.Lock()
	_, known := p.covered[subject]
	p.mu.Unlock()
	if known {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.AckTimeout)
	defer cancel()
	_, err := p.js.StreamNameBySubject(ctx, subject)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.covered) >= maxCovered {
		clear(p.covered)
	}
	p.covered[subject] = struct{}{}
	return true, nil
}

// forget makes the next Publish on the subject ask again whether it has a stream.
func (p *Publisher) forget(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.covered, subject)
}

// Close waits for the calls of Publish under way, each bounded by AckTimeout, and makes later
// ones fail. The connection stays open. Close may be called again.
func (p *Publisher) Close() error {
	p.open.Lock()
	defer p.open.Unlock()
	if !p.closed {
		p.closed = true
		p.js.CleanupPublisher()
	}
	return nil
}
