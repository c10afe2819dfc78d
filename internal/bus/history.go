package bus

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// Message is a stored message as readers of results see it.
type Message struct {
	Seq     uint64
	Subject string
	Stored  time.Time
	Header  map[string][]string
	Data    []byte
}

func messageOf(msg jetstream.Msg) (Message, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return Message{}, err
	}
	return Message{Seq: meta.Sequence.Stream, Subject: msg.Subject(), Stored: meta.Timestamp, Header: msg.Headers(), Data: msg.Data()}, nil
}

// block is how many messages FindLast reads at a time.
const block = 20_000

// FindLast searches a stream from its end towards its beginning and returns the last message
// that match accepts; ok is false where there is none.
func (b *Bus) FindLast(ctx context.Context, stream string, match func(*Message) bool) (found Message, ok bool, err error) {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return Message{}, false, err
	}
	state := s.CachedInfo().State
	for end := state.LastSeq; end >= max(1, state.FirstSeq) && !ok; {
		start := max(state.FirstSeq, end-min(end, block)+1)
		cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: start}
		err := b.readMessages(ctx, s, cfg, end-start+1, func(m *Message) {
			if match(m) {
				found, ok = *m, true
			}
		})
		if err != nil {
			return Message{}, false, err
		}
		end = start - 1
	}
	return found, ok, nil
}

// Since visits the messages of a stream that were stored since then, at most the last most of them.
func (b *Bus) Since(ctx context.Context, stream string, since time.Time, most uint64, visit func(*Message)) error {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return err
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 || state.LastTime.Before(since) {
		return nil
	}
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
	if state.Msgs > most {
		cfg = jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: state.LastSeq - most + 1}
	}
	return b.readMessages(ctx, s, cfg, most, func(m *Message) {
		if !m.Stored.Before(since) {
			visit(m)
		}
	})
}

func (b *Bus) readMessages(
	ctx context.Context, s jetstream.Stream, cfg jetstream.ConsumerConfig, most uint64, visit func(*Message),
) error {
	var failed error
	err := b.read(ctx, s, cfg, most, func(msg jetstream.Msg) {
		m, err := messageOf(msg)
		if err != nil {
			failed = err
			return
		}
		visit(&m)
	})
	if err != nil {
		return err
	}
	return failed
}

// Report stores a JSON value in a bucket under a key, such as the error budgets.
func (b *Bus) Report(ctx context.Context, key string, value []byte) error {
	bucket, err := b.bucket(ctx, pipeline.BucketObjectives)
	if err != nil {
		return err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	_, err = bucket.Put(ctx, key, value)
	return err
}

// Reported returns what Report stored, nil where there is nothing.
func (b *Bus) Reported(ctx context.Context, key string) ([]byte, error) {
	bucket, err := b.bucket(ctx, pipeline.BucketObjectives)
	if err != nil {
		return nil, err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := bucket.Get(ctx, key)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	return entry.Value(), nil
}
