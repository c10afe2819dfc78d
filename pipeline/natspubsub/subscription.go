package natspubsub

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// nats.go asks the server for more messages when Next is called, except while an earlier
// request is being written: where everything fetched was taken within that moment, nothing
// asks again. Two messages ahead make that rare; calling Next again soon after a message
// makes it harmless. An idle Next waits longer than two heartbeats of the server, so that
// it notices when they stay away.
const (
	minPrefetch   = 2
	shortestWait  = 5 * time.Millisecond
	longestWait   = 3 * pullHeartbeat
	pullHeartbeat = 5 * time.Second
)

// subscription is one channel of messages. One goroutine (run) fetches and hands out, one
// for each message in flight waits until it is settled, one sends the heartbeats.
type subscription struct {
	*Subscriber
	topic string
	log   *slog.Logger
	out   chan *message.Message

	consumer jetstream.Consumer
	messages jetstream.MessagesContext // nil while nothing is fetched
	unhook   func() bool               // keeps the end of the context from draining messages
	parked   []*held                   // fetched, held by heartbeats, not handed out yet
	wait     time.Duration             // bounds the next call of Next
	beat     time.Duration

	slots    chan struct{} // one for each message in flight
	inFlight sync.WaitGroup
	abandon  chan struct{} // closed when the drain time is over

	holding sync.Mutex
	held    map[*held]struct{} // what the server must hear about
}

func newSubscription(s *Subscriber, topic string, consumer jetstream.Consumer) *subscription {
	return &subscription{
		Subscriber: s,
		topic:      topic,
		log:        s.cfg.Logger.With("topic", topic, "durable", s.cfg.Durable(topic)),
		out:        make(chan *message.Message),
		consumer:   consumer,
		wait:       shortestWait,
		beat:       heartbeat(consumer.CachedInfo().Config),
		slots:      make(chan struct{}, s.cfg.MaxInFlight),
		abandon:    make(chan struct{}),
		held:       make(map[*held]struct{}),
	}
}

// run works until ctx ends, then settles what is left.
func (s *subscription) run(ctx context.Context) {
	stopBeating := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() { s.beatUntil(stopBeating) })
	for s.acquire(ctx) {
		h, ok := s.take(ctx)
		if !ok {
			break
		}
		s.handOut(ctx, h)
	}
	s.park(ctx)
	for _, h := range s.parked {
		s.giveBack(h)
	}
	close(s.out)
	s.drain()
	close(stopBeating)
	beating.Wait()
}

// drain waits for the messages in flight, and after the drain time takes them from their handlers.
func (s *subscription) drain() {
	settled := make(chan struct{})
	go func() {
		s.inFlight.Wait()
		close(settled)
	}()
	timer := time.NewTimer(s.cfg.Drain)
	defer timer.Stop()
	select {
	case <-settled:
	case <-timer.C:
		close(s.abandon)
		<-settled
	}
}

// acquire waits for a free slot. Where that takes long, what was fetched ahead is parked.
func (s *subscription) acquire(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case s.slots <- struct{}{}:
		return true
	default:
	}
	stalled := time.NewTimer(s.beat)
	defer stalled.Stop()
	for {
		select {
		case s.slots <- struct{}{}:
			return true
		case <-stalled.C:
			s.park(ctx)
		case <-ctx.Done():
			return false
		}
	}
}

// park stops fetching and takes what nats.go has fetched ahead into heartbeats: lying in its
// buffer it would be delivered a second time while the handlers are slow. The next take
// hands out what is parked first.
func (s *subscription) park(ctx context.Context) {
	if s.messages == nil {
		return
	}
	s.messages.Drain()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.RequestTimeout)
	defer cancel()
	for {
		raw, err := s.messages.Next(jetstream.NextContext(ctx))
		if err == nil {
			s.hold(raw)
			continue
		}
		if ctx.Err() != nil {
			s.log.WarnContext(ctx, "gave up draining; messages come again after the ack wait", "error", err)
		} else if !errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			continue
		}
		s.stopFetching()
		return
	}
}

// stopFetching gives up the open fetch; what it has buffered is lost until the ack wait is over.
func (s *subscription) stopFetching() {
	if s.messages != nil {
		s.unhook()
		s.messages.Stop()
		s.messages = nil
	}
}

// hold takes a fetched message into heartbeats and parks it.
func (s *subscription) hold(raw jetstream.Msg) {
	h, err := newHeld(raw)
	if err != nil {
		s.log.Error("message without JetStream metadata", "error", err)
		return
	}
	s.holding.Lock()
	s.held[h] = struct{}{}
	s.holding.Unlock()
	s.parked = append(s.parked, h)
}

// take returns the next message; ok is false when ctx or the connection ends.
func (s *subscription) take(ctx context.Context) (h *held, ok bool) {
	for len(s.parked) == 0 {
		raw, err := s.next(ctx)
		switch {
		case err == nil:
			s.wait = shortestWait
			s.hold(raw)
		case ctx.Err() != nil:
			return nil, false
		case errors.Is(err, nats.ErrTimeout):
			s.wait = min(2*s.wait, longestWait)
		case s.nc.IsClosed():
			s.log.ErrorContext(ctx, "connection closed: the subscription ends", "error", err)
			return nil, false
		default:
			s.reopen(ctx, err)
		}
	}
	h, s.parked = s.parked[0], s.parked[1:]
	return h, true
}

// next fetches one message, opening the fetch where none is open.
func (s *subscription) next(ctx context.Context) (jetstream.Msg, error) {
	if s.messages == nil {
		messages, err := s.consumer.Messages(
			jetstream.PullMaxMessages(s.cfg.Prefetch),
			jetstream.PullHeartbeat(pullHeartbeat),
			jetstream.PullThresholdMessages(max(minPrefetch, s.cfg.Prefetch/2)))
		if err != nil {
			return nil, err
		}
		s.messages = messages
		s.unhook = context.AfterFunc(ctx, messages.Drain)
	}
	return s.messages.Next(jetstream.NextMaxWait(s.wait))
}

// reopen looks after a failed fetch: it finds the durable again, which a subscriber that may
// also creates again, and pauses in between.
func (s *subscription) reopen(ctx context.Context, cause error) {
	if errors.Is(cause, jetstream.ErrNoHeartbeat) {
		// The server is silent. Where it still has the durable, the open fetch asks again by itself.
		if _, err := s.durable(ctx, s.topic); err == nil {
			return
		}
	}
	s.log.WarnContext(ctx, "fetching failed: opening the subscription again", "error", cause)
	s.stopFetching()
	for {
		pause := time.NewTimer(s.cfg.RetryWait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		consumer, err := s.durable(ctx, s.topic)
		if err == nil {
			s.consumer = consumer
			return
		}
		if s.nc.IsClosed() {
			return
		}
		s.log.ErrorContext(ctx, "durable consumer not usable", "error", err)
	}
}
