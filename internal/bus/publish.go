package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// BusyError says that JetStream refuses signals for now: a stream is full or too much is
// under way. The same publish may succeed later.
type BusyError struct{ Err error }

func (e *BusyError) Error() string { return "bus: HAL9 is full for now: " + e.Err.Error() }

// Unwrap returns JetStream's own error.
func (e *BusyError) Unwrap() error { return e.Err }

// RetryAfter says when to try again.
func (e *BusyError) RetryAfter() time.Duration { return 2 * time.Second }

// JetStream's codes for refusals that pass by themselves.
const (
	codeStreamFull   jetstream.ErrorCode = 10077
	codeTooManyInFly jetstream.ErrorCode = 10167
	codeNoResources  jetstream.ErrorCode = 10023
	codeInProcess    jetstream.ErrorCode = 10158
)

// Publish stores records: all are sent at once, then their answers are awaited. It implements
// pipeline.Broker.
func (b *Bus) Publish(ctx context.Context, records []pipeline.Record) error {
	futures, err := b.send(records)
	if err != nil {
		return err
	}
	for i, future := range futures {
		if _, err := await(ctx, future); err != nil {
			return fmt.Errorf("bus: store on %s: %w", records[i].Subject, err)
		}
	}
	return nil
}

func (b *Bus) send(records []pipeline.Record) ([]jetstream.PubAckFuture, error) {
	futures := make([]jetstream.PubAckFuture, len(records))
	for i := range records {
		future, err := b.pub.PublishMsgAsync(message(&records[i]), jetstream.WithStallWait(b.cfg.PublishTimeout))
		if err != nil {
			return nil, fmt.Errorf("bus: send to %s: %w", records[i].Subject, publishError(err))
		}
		futures[i] = future
	}
	return futures, nil
}

func message(r *pipeline.Record) *nats.Msg {
	msg := &nats.Msg{Subject: r.Subject, Data: r.Data, Header: make(nats.Header, len(r.Header)+1)}
	for name, value := range r.Header {
		msg.Header[name] = []string{value}
	}
	if r.ID != "" {
		msg.Header[jetstream.MsgIDHeader] = []string{r.ID}
	}
	return msg
}

func await(ctx context.Context, future jetstream.PubAckFuture) (*jetstream.PubAck, error) {
	select {
	case ack := <-future.Ok():
		return ack, nil
	case err := <-future.Err():
		return nil, publishError(err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// publishError marks refusals that pass by themselves.
func publishError(err error) error {
	if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
		return &BusyError{err}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return err
	}
	switch api.ErrorCode {
	case codeStreamFull, codeTooManyInFly, codeNoResources, codeInProcess:
		return &BusyError{err}
	default:
		return err
	}
}
