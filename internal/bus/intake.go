package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// Stored is JetStream's answer to one submitted record.
type Stored struct {
	Seq       uint64
	Duplicate bool // the id was stored before; nothing was added
}

// Submit stores records like Publish and returns an answer to each: the answers of those that
// were stored even when it fails.
func (b *Bus) Submit(ctx context.Context, records []pipeline.Record) ([]Stored, error) {
	if !b.Connected() {
		return make([]Stored, len(records)), fmt.Errorf("bus: store %d signals: %w", len(records), ErrDisconnected)
	}
	stored := make([]Stored, len(records))
	futures, err := b.send(records)
	if err != nil {
		return stored, err
	}
	var problems []error
	for i, future := range futures {
		var ack *jetstream.PubAck
		if ack, err = await(ctx, future); err != nil {
			problems = append(problems, fmt.Errorf("bus: store signal %d: %w", i, err))
			continue
		}
		stored[i] = Stored{Seq: ack.Sequence, Duplicate: ack.Duplicate}
	}
	return stored, errors.Join(problems...)
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
	msg := &nats.Msg{Subject: r.Subject, Data: r.Data, Header: make(nats.Header, len(r.Header)+2)}
	for name := range r.Header {
		msg.Header[name] = r.Values(name)
	}
	if r.ID != "" {
		msg.Header[jetstream.MsgIDHeader] = []string{r.ID}
	}
	if r.Trace != "" {
		msg.Header[pipeline.HeaderTraceParent] = []string{r.Trace}
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
