package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// Window says which messages of a stream Walk visits.
type Window struct {
	Stream      string
	Subject     string    // only what was stored under it, wildcards included; default all
	From        uint64    // sequence to begin with; default the first
	To          uint64    // sequence to end with; default the last
	Since       time.Time // only what was stored since then; From must be unset
	HeadersOnly bool      // without data; the header Nats-Msg-Size tells its size
}

// How much Walk asks for at a time, since what is on its way lies in memory, and how it takes failures.
const (
	walkMessages = 1000
	walkBytes    = 8 << 20
	walkTries    = 10 // without a message in between
	walkPause    = 500 * time.Millisecond
)

// Walk visits the messages of a window, oldest first, until visit returns false. What is stored
// after the call is not visited. Memory is bounded whatever the size of the messages. Where the
// connection breaks it goes on behind the last message visited, without gap or repetition.
func (b *Bus) Walk(ctx context.Context, w Window, visit func(*Message) bool) error {
	stream, err := b.stream(ctx, w.Stream)
	if err != nil {
		return err
	}
	state, made := stream.CachedInfo().State, stream.CachedInfo().Created
	if w.To == 0 || w.To > state.LastSeq {
		w.To = state.LastSeq
	}
	if w.From = max(w.From, 1); state.Msgs == 0 || w.To < max(w.From, state.FirstSeq) {
		return nil
	}
	walk := &walk{window: w, visit: visit}
	for tries := 0; ; tries++ {
		before := walk.window.From
		err := walk.run(ctx, b, stream)
		if err == nil {
			return nil
		}
		if walk.window.From > before {
			tries = 0
		}
		if ctx.Err() != nil || tries == walkTries {
			return fmt.Errorf("bus: read %s: %w", w.Stream, err)
		}
		b.log.DebugContext(ctx, "walk goes on after an error", "stream", w.Stream, "from", walk.window.From, "error", err)
		if err := pipeline.Pause(ctx, walkPause); err != nil {
			return err
		}
		if again, err := b.stream(ctx, w.Stream); err == nil && !again.CachedInfo().Created.Equal(made) {
			return fmt.Errorf("bus: read %s: the stream was made anew meanwhile", w.Stream)
		}
	}
}

func (w *Window) config() jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		FilterSubject: w.Subject, HeadersOnly: w.HeadersOnly,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: w.From,
	}
	if !w.Since.IsZero() {
		cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &w.Since
	}
	return cfg
}

// walk is one Walk under way.
type walk struct {
	window   Window // its From moves on
	visit    func(*Message) bool
	consumer jetstream.Consumer
	read     uint64 // messages that the consumer gave
	left     uint64 // messages that were there when it was made
	done     bool
}

// run visits what one consumer gives.
func (w *walk) run(ctx context.Context, b *Bus, stream jetstream.Stream) error {
	making, cancel := ask(ctx)
	defer cancel()
	var err error
	if w.consumer, err = stream.CreateConsumer(making, w.window.config()); err != nil {
		return err
	}
	defer forget(ctx, stream, w.consumer)
	w.read, w.left = 0, w.consumer.CachedInfo().NumPending
	for w.left > 0 && !w.done {
		if err := w.fetch(ctx, 2*max(walkBytes/2, b.MaxPayload())); err != nil {
			return err
		}
	}
	return nil
}

// fetch visits the next messages. All of a request are taken, wanted or not, so that nothing of it is
// left behind.
func (w *walk) fetch(ctx context.Context, bytes int) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	most := min(w.left, walkMessages, w.window.To-min(w.window.To, w.window.From)+1)
	batch, err := w.consumer.Fetch(int(most), jetstream.FetchMaxBytes(bytes), jetstream.FetchContext(ctx))
	if err != nil {
		return err
	}
	before := w.read
	for msg := range batch.Messages() {
		if err := w.take(msg); err != nil {
			return err
		}
	}
	if err := batch.Error(); err != nil {
		return err
	}
	if w.read > before {
		return nil
	}
	return w.ended(ctx)
}

func (w *walk) take(msg jetstream.Msg) error {
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	w.read++
	if meta.Sequence.Consumer != w.read {
		return errGap
	}
	w.left--
	if w.done {
		return nil
	}
	m, err := messageOf(msg)
	if err != nil {
		return err
	}
	w.done = m.Seq >= w.window.To
	w.window.From, w.window.Since = m.Seq+1, time.Time{}
	if m.Seq <= w.window.To && !w.visit(&m) {
		w.done = true
	}
	return nil
}

// ended tells a stream that has dropped the rest in between from a server that is silent.
func (w *walk) ended(ctx context.Context) error {
	ctx, cancel := ask(context.WithoutCancel(ctx))
	defer cancel()
	info, err := w.consumer.Info(ctx)
	if err != nil {
		return err
	}
	if info.NumPending > 0 {
		return errors.New("the server stopped sending")
	}
	w.done = true
	return nil
}

// Extent returns the first and the last sequence of a stream; last is below first where it is empty.
func (b *Bus) Extent(ctx context.Context, stream string) (first, last uint64, err error) {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return 0, 0, err
	}
	state := s.CachedInfo().State
	return max(1, state.FirstSeq), state.LastSeq, nil
}

// MessageAt returns a stored message; ok is false where it is not there any more.
func (b *Bus) MessageAt(ctx context.Context, stream string, seq uint64) (m Message, ok bool, err error) {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return Message{}, false, err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	raw, err := s.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Message{}, false, nil
	}
	if err != nil {
		return Message{}, false, fmt.Errorf("bus: message %d of %s: %w", seq, stream, err)
	}
	for _, name := range [...]string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"} {
		delete(raw.Header, name) // How a direct get says what stands beside them here.
	}
	return Message{Seq: raw.Sequence, Subject: raw.Subject, Stored: raw.Time, Header: raw.Header, Data: raw.Data}, true, nil
}
