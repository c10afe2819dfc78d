package bare

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Publisher stores messages with pipelined publishes: up to 4,096 wait for their answer at a time.
type Publisher struct {
	js     jetstream.JetStream
	failed atomic.Pointer[error] // the first refusal
}

// NewPublisher returns a publisher on this client's connection.
func (c *Client) NewPublisher() (*Publisher, error) {
	p := &Publisher{}
	var err error
	p.js, err = jetstream.New(c.nc,
		jetstream.WithPublishAsyncMaxPending(maxPending),
		jetstream.WithPublishAsyncTimeout(patience),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			p.failed.CompareAndSwap(nil, &err)
		}))
	if err != nil {
		return nil, fmt.Errorf("bare: %w", err)
	}
	return p, nil
}

// Send sends one message without waiting for its answer.
func (p *Publisher) Send(subject string, data []byte) error {
	if _, err := p.js.PublishAsync(subject, data, jetstream.WithStallWait(patience)); err != nil {
		return fmt.Errorf("bare: publish on %s: %w", subject, err)
	}
	return nil
}

// Wait waits until every message sent so far has its answer, and says what was refused first.
func (p *Publisher) Wait(ctx context.Context) error {
	select {
	case <-p.js.PublishAsyncComplete():
	case <-ctx.Done():
		return fmt.Errorf("bare: publish: %w", context.Cause(ctx))
	}
	if err := p.failed.Load(); err != nil {
		return fmt.Errorf("bare: publish: %w", *err)
	}
	return nil
}

// Try sends one message, waits for its answer and reports whether the server refused it and why.
func (p *Publisher) Try(ctx context.Context, subject string, data []byte) error {
	if _, err := p.js.Publish(ctx, subject, data); err != nil {
		if errors.Is(err, nats.ErrMaxPayload) {
			return errors.New("larger than one NATS message may be")
		}
		return fmt.Errorf("bare: publish on %s: %w", subject, err)
	}
	return nil
}
