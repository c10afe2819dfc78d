package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/pipeline"
)

// burstMax bounds a burst, messages.
const burstMax = 4096

// ackBody acknowledges a message, nakBody has it delivered again at once.
var (
	ackBody = []byte("+ACK")
	nakBody = []byte("-NAK")
)

// source hands out one consumer's messages in bursts.
type source struct {
	bus     *Bus
	key     pipeline.StageKey
	pull    *puller
	broken  <-chan struct{}
	idle    *time.Timer  // ends a turn in which nothing comes
	silence *time.Ticker // when the puller looks after itself
	hand    []*nats.Msg  // of a shared consumer: what was handed out last, in order
	done    int          // how many of those are settled
	until   time.Time    // when the rest may be given to somebody else
	next    uint64       // consumer sequence of the next message, or of the last one and 1 where the consumer is shared
}

// errTaken ends a source whose consumer has given messages to somebody else: an earlier owner that was frozen or cut off may have a
// request open still, and what it got it will not settle.
var errTaken = errors.New("bus: an earlier owner was given messages of this stage")

// errReset ends a source of L1 whose consumer was reset: what comes now may look as if nobody had ever had it.
var errReset = errors.New("bus: another process had the consumer begin anew")

// Open implements pipeline.Broker. A keyed stage owns its consumer and seeks to the message after
// offset, which also takes back what an earlier owner had in flight. The shared consumer of
// L1 seeks only where nobody else is at work.
func (b *Bus) Open(ctx context.Context, key pipeline.StageKey, offset uint64) (pipeline.Source, pipeline.Backlog, error) {
	broken := b.brokenChan()
	ctx, cancel := ask(ctx)
	defer cancel()
	open := b.openOwn
	if key.Shared() {
		open = b.openShared
	}
	backlog, err := open(ctx, key, offset)
	if err != nil {
		return nil, pipeline.Backlog{}, b.openError(key, err)
	}
	pull, err := b.newPuller(key)
	if err != nil {
		return nil, pipeline.Backlog{}, b.openError(key, err)
	}
	s := &source{
		bus: b, key: key, pull: pull, broken: broken,
		idle: time.NewTimer(pullSilence), silence: time.NewTicker(pullHeartbeat),
	}
	if !key.Shared() {
		s.next = 1 // seek had the consumer count anew.
	}
	return s, backlog, nil
}

// openOwn places the consumer of a keyed stage, and asks for its backlog at the same time: whoever owned it before stores nothing any more.
func (b *Bus) openOwn(ctx context.Context, key pipeline.StageKey, offset uint64) (backlog pipeline.Backlog, err error) {
	opening, ctx := errgroup.WithContext(ctx)
	opening.Go(func() error {
		_, err := b.js.ResetConsumerToSequence(ctx, key.Stream(), key.Durable(), offset+1)
		return err
	})
	opening.Go(func() (err error) {
		backlog, err = b.backlog(ctx, key, offset)
		return err
	})
	err = opening.Wait()
	return backlog, err
}

// openShared takes back what nobody works on any more.
func (b *Bus) openShared(ctx context.Context, key pipeline.StageKey, _ uint64) (pipeline.Backlog, error) {
	consumer, err := b.js.Consumer(ctx, key.Stream(), key.Durable())
	if err != nil {
		return pipeline.Backlog{}, err
	}
	info := consumer.CachedInfo()
	delivered, err := b.takeBackOrphans(ctx, key, info)
	if err != nil {
		return pipeline.Backlog{}, err
	}
	backlog, err := b.backlog(ctx, key, info.AckFloor.Stream)
	backlog.Last = min(backlog.Last, delivered) // What was never delivered, nobody has worked on.
	return backlog, err
}

func (b *Bus) openError(key pipeline.StageKey, err error) error {
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("bus: consumer %s on stream %s is missing: run `hal9 provision --nats %s`: %w",
			key.Durable(), key.Stream(), b.URL(), err)
	}
	return fmt.Errorf("bus: consume %s: %w", key.Name(), err)
}

// backlog asks for the state of the stream and for the first message behind offset at the same time. What is stored between the two answers
// nobody has worked on, whichever of them knows it.
func (b *Bus) backlog(ctx context.Context, key pipeline.StageKey, offset uint64) (pipeline.Backlog, error) {
	var stream jetstream.Stream
	var first *found
	asking, ctx := errgroup.WithContext(ctx)
	asking.Go(func() (err error) {
		stream, err = b.js.Stream(ctx, key.Stream())
		return err
	})
	asking.Go(func() (err error) {
		first, err = b.fromLeader(ctx, key.Stream(), question{Seq: offset + 1, Next: subjectFilter(key)})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			err = nil
		}
		return err
	})
	if err := asking.Wait(); err != nil {
		return pipeline.Backlog{}, err
	}
	state, born := stream.CachedInfo().State, stream.CachedInfo().Created
	if first == nil || state.LastSeq < first.Seq {
		return pipeline.Backlog{Born: born, Empty: true}, nil
	}
	return pipeline.Backlog{Born: born, Oldest: first.Time, First: first.Seq, Last: state.LastSeq}, nil
}

func subjectFilter(key pipeline.StageKey) string {
	switch {
	case key.Situations:
		return pipeline.SubjectSituations + ".>"
	case key.Objectives:
		return pipeline.SubjectVerdicts + ".>"
	}
	return pipeline.SubjectOf(key.Layer, key.Partition)
}

// Next implements pipeline.Source.
func (s *source) Next(ctx context.Context, idle time.Duration, window int) ([]pipeline.Delivery, error) {
	s.pull.narrow(window)
	s.pull.drain()
	if err := s.pull.ask(); err != nil {
		return nil, err
	}
	s.idle.Reset(idle)
	for {
		select {
		case msg := <-s.pull.incoming:
			burst, err := s.burst(msg)
			if err != nil || len(burst) > 0 {
				return burst, err
			}
		case <-s.silence.C:
			if err := s.pull.check(); err != nil {
				return nil, err
			}
		case <-s.idle.C:
			return nil, nil
		case <-s.broken:
			return nil, ErrDisconnected
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// burst takes what else has arrived: one message alone never waits for company. It is empty where
// only statuses came.
func (s *source) burst(msg *nats.Msg) ([]pipeline.Delivery, error) {
	most := min(burstMax, s.pull.most)
	if s.key.Scouts() {
		most = scoutBurst
	}
	burst := make([]pipeline.Delivery, 0, min(most, 1+len(s.pull.incoming)))
	since := s.pull.since()
	defer s.pull.note()
	for {
		isSignal, err := s.pull.receive(msg)
		if err != nil {
			return nil, s.bus.openError(s.key, err)
		}
		if isSignal {
			delivery, err := s.delivery(msg, since)
			if err != nil {
				return nil, err
			}
			burst = append(burst, delivery)
		}
		if len(burst) == most {
			return burst, s.pull.ask()
		}
		select {
		case msg = <-s.pull.incoming:
		default:
			return burst, s.pull.ask()
		}
	}
}

func (s *source) delivery(msg *nats.Msg, since time.Time) (pipeline.Delivery, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return pipeline.Delivery{}, fmt.Errorf("bus: metadata of a message of %s: %w", s.key.Stream(), err)
	}
	switch got := meta.Sequence.Consumer; {
	case s.key.Shared() && got < s.next:
		return pipeline.Delivery{}, fmt.Errorf("%w: number %d came after %d", errReset, got, s.next-1)
	case !s.key.Shared() && got != s.next:
		return pipeline.Delivery{}, fmt.Errorf("%w: number %d came where %d was due", errTaken, got, s.next)
	}
	s.next = meta.Sequence.Consumer + 1
	var until time.Time
	if s.key.Shared() {
		until = since.Add(holdTime)
		s.until = until
		s.hand = append(s.hand, msg)
	}
	return pipeline.Delivery{
		Stream: meta.Stream, Seq: meta.Sequence.Stream, Subject: msg.Subject, Header: msg.Header, Data: msg.Data,
		Stored: meta.Timestamp, Pending: meta.NumPending, Attempt: int(meta.NumDelivered), Until: until, Handle: msg,
	}, nil
}

// Settle implements pipeline.Source: one acknowledgement covers a keyed burst, the shared
// consumer takes one each.
func (s *source) Settle(burst []pipeline.Delivery) error {
	if !s.key.Shared() && len(burst) > 0 {
		burst = burst[len(burst)-1:]
	}
	for i := range burst {
		msg, ok := burst[i].Handle.(*nats.Msg)
		if !ok {
			return fmt.Errorf("bus: settle a delivery of %s that is not this bus's", s.key.Name())
		}
		if err := s.bus.nc.Publish(msg.Reply, ackBody); err != nil {
			return fmt.Errorf("bus: acknowledge on %s: %w", s.key.Name(), err)
		}
	}
	if s.done += len(burst); s.done >= len(s.hand) {
		clear(s.hand)
		s.hand, s.done = s.hand[:0], 0
	}
	return nil
}

// Return implements pipeline.Source.
func (s *source) Return() {
	if !s.key.Shared() {
		return
	}
	s.Close()
	for {
		select {
		case msg := <-s.pull.incoming:
			if strings.HasPrefix(msg.Reply, ackPrefix) {
				s.hand = append(s.hand, msg)
			}
			continue
		default:
		}
		break
	}
	if time.Now().After(s.until) {
		return // Others may have them already.
	}
	for _, msg := range s.hand[s.done:] {
		if err := s.bus.nc.Publish(msg.Reply, nakBody); err != nil {
			return // They come to others after the ack wait.
		}
	}
}

// Close implements pipeline.Source.
func (s *source) Close() {
	s.idle.Stop()
	s.silence.Stop()
	if err := s.pull.close(); err != nil {
		s.bus.log.Debug("unsubscribe", "stage", s.key.Name(), "error", err)
	}
}
