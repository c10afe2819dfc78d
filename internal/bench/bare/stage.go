package bare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// burstMost is how many messages a stage takes at a time.
const burstMost = 512

// message is what a stage needs of one; jetstream.Msg has it.
type message interface {
	Data() []byte
	Ack() error
}

// puller hands out what has come: at least one message, at most a burst. It returns nothing where
// nothing came for a while.
type puller interface {
	next(ctx context.Context) ([]message, error)
	close()
}

// stage is one hop of the loop.
type stage struct {
	client   *Client
	variant  Variant
	consumer jetstream.Consumer
	stream   string
	next     string // subject
	futures  []jetstream.PubAckFuture
}

func (s *stage) run(ctx context.Context) error {
	p, err := s.open()
	if err != nil {
		return err
	}
	defer p.close()
	for ctx.Err() == nil {
		burst, err := p.next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("bare: pull from %s: %w", s.stream, err)
		}
		if len(burst) == 0 {
			continue
		}
		if err := s.pass(ctx, burst); err != nil && ctx.Err() == nil {
			return fmt.Errorf("bare: pass on to %s: %w", s.next, err)
		}
	}
	return nil
}

func (s *stage) open() (puller, error) {
	switch s.variant.Pull {
	case PullMessages:
		return newIterator(s.consumer)
	case PullFetch:
		return &fetcher{consumer: s.consumer}, nil
	default:
		return newRequester(s.client.nc, s.stream, 0)
	}
}

// pass stores the burst in the next stream and then acknowledges it.
func (s *stage) pass(ctx context.Context, burst []message) error {
	send := s.sendAsync
	if s.variant.Send == SendFast {
		send = s.sendFast
	}
	if err := send(ctx, burst); err != nil {
		return err
	}
	if s.variant.Send != SendAckEach {
		burst = burst[len(burst)-1:]
	}
	for _, m := range burst {
		if err := m.Ack(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) sendAsync(ctx context.Context, burst []message) error {
	s.futures = s.futures[:0]
	for _, m := range burst {
		future, err := s.client.js.PublishMsgAsync(&nats.Msg{Subject: s.next, Data: m.Data()}, jetstream.WithStallWait(patience))
		if err != nil {
			return err
		}
		s.futures = append(s.futures, future)
	}
	for _, future := range s.futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// sendFast stores the burst as one fast-ingest batch; a message alone is stored by its commit.
func (s *stage) sendFast(ctx context.Context, burst []message) error {
	batch, err := jetstreamext.NewFastPublisher(s.client.js, jetstreamext.FastPublishFlowControl{
		Flow: burstMost, MaxOutstandingAcks: 2, AckTimeout: patience,
	})
	if err != nil {
		return err
	}
	last := len(burst) - 1
	for _, m := range burst[:last] {
		if _, err := batch.Add(s.next, m.Data()); err != nil {
			return err
		}
	}
	ack, err := batch.Commit(ctx, s.next, burst[last].Data())
	if err != nil {
		return err
	}
	if ack.BatchSize != uint64(len(burst)) {
		return errors.New("the server stored a part of the batch")
	}
	return nil
}

// idle is how long a puller waits before it looks after itself.
const idle = 100 * time.Millisecond
