package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// IsMissing reports whether an error says that a stream, a consumer or a bucket is not there: waiting does not help.
func IsMissing(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
}

// LastDecision returns what the scaler stored last about a layer, nil where there is nothing.
func (b *Bus) LastDecision(ctx context.Context, layer layers.Name) ([]byte, error) {
	stream, err := b.stream(ctx, pipeline.StreamScaling)
	if err != nil {
		return nil, err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	msg, err := stream.GetLastMsgForSubject(ctx, pipeline.SubjectOfScaling(layer))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bus: last decision about %s: %w", layer, err)
	}
	return msg.Data, nil
}
