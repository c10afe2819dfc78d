package natspubsub

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxReason bounds the reason that a terminated message gives to the server, in bytes.
const maxReason = 200

// handOut decodes a message, gives it to the reader of the channel and has it settled. The slot
// that the message holds is free again when it is settled.
func (s *subscription) handOut(ctx context.Context, h *held) {
	// The context must outlive the fetching, so that handlers can finish while Close drains.
	work, cancel := context.WithCancelCause(context.WithValue(context.WithoutCancel(ctx), deliveryKey{}, h.Delivery))
	msg, err := s.cfg.Codec.Decode(h.Header, h.raw.Data())
	if err != nil {
		s.inFlight.Go(func() {
			defer s.free(h)
			defer cancel(nil)
			s.undecodable(work, h, err)
		})
		return
	}
	if msg.UUID == "" {
		msg.UUID = h.Stream + ":" + strconv.FormatUint(h.Sequence, 10)
	}
	msg.SetContext(work)
	if !s.offer(ctx, msg) {
		cancel(ErrClosed)
		s.giveBack(h)
		<-s.slots
		return
	}
	s.inFlight.Go(func() {
		defer s.free(h)
		s.settle(h, msg, cancel)
	})
}

// offer waits until the reader takes the message. Where that takes long, what was fetched ahead
// is parked. It returns false where ctx ended first.
func (s *subscription) offer(ctx context.Context, msg *message.Message) bool {
	select {
	case s.out <- msg:
		return true
	default:
	}
	stalled := time.NewTimer(s.beat)
	defer stalled.Stop()
	for {
		select {
		case s.out <- msg:
			return true
		case <-stalled.C:
			s.park(ctx)
		case <-ctx.Done():
			return false
		}
	}
}

// settle waits for the handler's answer and passes it on to the server.
func (s *subscription) settle(h *held, msg *message.Message, cancel context.CancelCauseFunc) {
	select {
	case <-msg.Acked():
	case <-msg.Nacked():
	case <-s.abandon:
		cancel(ErrClosed)
	}
	var err error
	select {
	case <-msg.Acked():
		err = h.settle(h.raw.Ack)
	case <-msg.Nacked():
		delay := h.nackDelay(s.cfg.Backoff)
		err = h.settle(func() error { return h.raw.NakWithDelay(delay) })
	default:
		err = h.settle(h.raw.Nak)
	}
	cancel(nil)
	s.report(err)
}

// undecodable hands the message on, and terminates it where that succeeded.
func (s *subscription) undecodable(ctx context.Context, h *held, cause error) {
	if s.cfg.OnUndecodable == nil {
		s.log.ErrorContext(ctx, "undecodable message terminated", "stream", h.Stream, "sequence", h.Sequence, "error", cause)
	} else if err := s.cfg.OnUndecodable(ctx, h.Delivery, h.raw.Data(), cause); err != nil {
		s.log.ErrorContext(ctx, "undecodable message not handed on", "stream", h.Stream, "sequence", h.Sequence, "error", err)
		delay := h.nackDelay(s.cfg.Backoff)
		s.report(h.settle(func() error { return h.raw.NakWithDelay(delay) }))
		return
	}
	reason := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, cause.Error())
	s.report(h.settle(func() error { return h.raw.TermWithReason(reason[:min(len(reason), maxReason)]) }))
}

// giveBack returns a message that no handler has seen, to be delivered at once.
func (s *subscription) giveBack(h *held) {
	s.forget(h)
	s.report(h.settle(h.raw.Nak))
}

// free ends the heartbeats of a settled message and frees its slot.
func (s *subscription) free(h *held) {
	s.forget(h)
	<-s.slots
}

func (s *subscription) forget(h *held) {
	s.holding.Lock()
	defer s.holding.Unlock()
	delete(s.held, h)
}

// report logs an answer that did not reach the server: the message will come again.
func (s *subscription) report(err error) {
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		s.log.Warn("settling failed: the message will come again", "error", err)
	}
}

// beatUntil sends heartbeats for everything held until stop is closed.
func (s *subscription) beatUntil(stop <-chan struct{}) {
	ticker := time.NewTicker(s.beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
		for _, h := range s.snapshot() {
			s.report(h.beat())
		}
	}
}

func (s *subscription) snapshot() []*held {
	s.holding.Lock()
	defer s.holding.Unlock()
	all := make([]*held, 0, len(s.held))
	for h := range s.held {
		all = append(all, h)
	}
	return all
}
