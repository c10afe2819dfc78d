package bus

import (
	"context"
	"errors"
	"fmt"

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
