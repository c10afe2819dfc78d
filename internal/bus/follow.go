package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// Follow visits the messages of several subjects as they are stored, until ctx ends: from the
// beginning of the stream, from a time or a sequence on, or only new ones where all are unset.
type Follow struct {
	Stream   string
	Subjects []string
	Start    bool      // from the first message
	Since    time.Time // from then on
	From     uint64    // from this sequence on
}

// How Follow notices that the server forgot its consumer, and how long it waits before it
// asks again.
const (
	followHeartbeat = 3 * time.Second
	followExpiry    = 30 * time.Second
	followPause     = 100 * time.Millisecond
	followMissing   = 100 // pauses for which a stream may be missing: who starts afresh provisions soon
)

// errGap says that a message got lost between server and client.
var errGap = errors.New("bus: a message was lost on its way")

// Run follows. It resumes by itself where the connection breaks, without gap or repetition:
// what to read next is fixed before the first message, and each new consumer begins behind
// the last message visited. A stream that was made anew in between is read from its beginning.
func (f Follow) Run(ctx context.Context, b *Bus, visit func(*Message)) error {
	stream, err := b.stream(ctx, f.Stream)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	c := &cursor{follow: f, made: stream.CachedInfo().Created, next: f.first(stream.CachedInfo().State)}
	for {
		err := c.read(ctx, stream, b.brokenChan(), visit)
		b.log.DebugContext(ctx, "follow ends or reads on", "stream", f.Stream, "next", c.next, "error", err)
		if stream, err = c.reopen(ctx, b); err != nil {
			return unlessEnded(ctx, err)
		}
	}
}

// unlessEnded returns err, or nil where it comes from the end of ctx.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// first returns the sequence to begin with, 0 where only the time is known.
func (f Follow) first(state jetstream.StreamState) uint64 {
	switch {
	case f.Start:
		return 1
	case f.From > 0:
		return f.From
	case !f.Since.IsZero():
		return 0
	default:
		return state.LastSeq + 1
	}
}

// cursor is where a Follow stands.
type cursor struct {
	follow Follow
	made   time.Time // when the stream was made
	next   uint64    // sequence to go on with; 0 as long as only the time is known
}

// read visits messages until ctx ends, the connection breaks or the consumer is no good any more.
func (c *cursor) read(ctx context.Context, stream jetstream.Stream, broken <-chan struct{}, visit func(*Message)) error {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-broken:
			cancel()
		case <-ctx.Done():
		}
	})
	consumer, err := stream.CreateConsumer(ctx, c.config())
	if err != nil {
		return err
	}
	defer forget(ctx, stream, consumer)
	messages, err := consumer.Messages(
		jetstream.PullHeartbeat(followHeartbeat), jetstream.PullExpiry(followExpiry),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for expected := uint64(1); ; expected++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != expected {
			return errGap
		}
		m, err := messageOf(msg)
		if err != nil {
			return err
		}
		c.next = m.Seq + 1
		visit(&m)
	}
}

func (c *cursor) config() jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		FilterSubjects: c.follow.Subjects, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: 2 * followExpiry,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: c.next,
	}
	if c.next == 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartTimePolicy, 0
		cfg.OptStartTime = &c.follow.Since
	}
	return cfg
}

// forget removes a consumer that is not needed any more. Where that fails it ends by itself.
func forget(ctx context.Context, stream jetstream.Stream, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name)
}

// reopen waits until the stream can be asked again. A stream that is gone for good is an error.
func (c *cursor) reopen(ctx context.Context, b *Bus) (jetstream.Stream, error) {
	for missing := 0; ; {
		if err := pipeline.Pause(ctx, followPause); err != nil {
			return nil, err
		}
		if !b.Connected() {
			continue
		}
		stream, err := b.stream(ctx, c.follow.Stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			missing++
		}
		if missing > followMissing {
			return nil, err
		}
		if err != nil {
			b.log.DebugContext(ctx, "follow: the stream can't be asked yet", "stream", c.follow.Stream, "error", err)
			continue
		}
		if made := stream.CachedInfo().Created; !made.Equal(c.made) {
			c.made, c.next = made, 1
		}
		return stream, nil
	}
}

// LastSequence returns the sequence of the last message that a stream has stored.
func (b *Bus) LastSequence(ctx context.Context, stream string) (uint64, error) {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("bus: last sequence of %s: %w", stream, err)
	}
	return s.CachedInfo().State.LastSeq, nil
}
