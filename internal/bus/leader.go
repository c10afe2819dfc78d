package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// question says which message of a stream is meant.
type question struct {
	Seq  uint64 `json:"seq,omitempty"`          // the first from here on
	Next string `json:"next_by_subj,omitempty"` // that has this subject,
	Last string `json:"last_by_subj,omitempty"` // or the last one of all that have this
}

// found is a message as the leader of its stream has it.
type found struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Data []byte    `json:"data"`
}

// fromLeader asks the leader of a stream for a message, jetstream.ErrMsgNotFound where there is none. The client library asks any replica,
// and one that lags does not know of what another process has just stored: that must not decide where a stage begins.
func (b *Bus) fromLeader(ctx context.Context, stream string, q question) (*found, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("bus: ask for a message: %w", err)
	}
	answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return nil, err
	}
	var a struct {
		Message *found              `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &a); err != nil {
		return nil, fmt.Errorf("bus: a message of %s can't be read: %w", stream, err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		return nil, jetstream.ErrStreamNotFound
	case a.Error != nil:
		return nil, a.Error
	case a.Message == nil:
		return nil, errors.New("bus: JetStream's answer has no message")
	}
	return a.Message, nil
}

// checkpointed returns what stands in the bucket of checkpoints under a key, nil where nothing does. The revision is the sequence.
func (b *Bus) checkpointed(ctx context.Context, key string) (*found, error) {
	const bucket = pipeline.BucketCheckpoints
	entry, err := b.fromLeader(ctx, "KV_"+bucket, question{Last: "$KV." + bucket + "." + key})
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && len(entry.Data) == 0 { // It was deleted.
		return nil, nil
	}
	return entry, err
}
