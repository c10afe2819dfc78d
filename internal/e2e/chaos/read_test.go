package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// entry is a message as it lies in a stream.
type entry struct {
	stream  string
	seq     uint64
	subject string
	at      time.Time // when it was stored
	msg     jetstream.Msg
}

// readStream visits everything that lies in a stream now, in order and once. It tries again where the server
// does not answer, as one of a cluster that is still finding its place.
func readStream(ctx context.Context, js jetstream.JetStream, stream string, visit func(entry)) error {
	read := uint64(0) // up to this sequence
	var err error
	for range 40 {
		if err = readAfter(ctx, js, stream, read, func(m entry) {
			read = m.seq
			visit(m)
		}); err == nil || ctx.Err() != nil {
			break
		}
		pause(ctx, 250*time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("read %s after %d: %w", stream, read, err)
	}
	return nil
}

// readAfter visits what lies behind a sequence.
func readAfter(ctx context.Context, js jetstream.JetStream, stream string, after uint64, visit func(entry)) error {
	consumer, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1,
	})
	if err != nil {
		return err
	}
	for left := int(consumer.CachedInfo().NumPending); left > 0; {
		batch, err := consumer.Fetch(min(left, 2000), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			return err
		}
		got := 0
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err != nil {
				return err
			}
			visit(entry{stream: stream, seq: meta.Sequence.Stream, subject: msg.Subject(), at: meta.Timestamp, msg: msg})
			got++
		}
		if err := batch.Error(); err != nil {
			return err
		}
		if got == 0 {
			return errors.New("the server stopped sending")
		}
		left -= got
	}
	return nil
}

// streamsOf lists the streams of a layer, in order of their partitions.
func streamsOf(ctx context.Context, js jetstream.JetStream, layer string) ([]string, error) {
	var list []string
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		if name == "HAL9_"+layer || strings.HasPrefix(name, "HAL9_"+layer+"_") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, names.Err()
}

// messagesIn returns how many messages a stream holds.
func messagesIn(ctx context.Context, js jetstream.JetStream, stream string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	return s.CachedInfo().State.Msgs, nil
}
