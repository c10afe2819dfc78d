package bus

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// deafConsumer has no server for a while, as one that a cluster has just made.
type deafConsumer struct {
	jetstream.Consumer

	deaf, asked int
}

func (c *deafConsumer) FetchNoWait(int) (jetstream.MessageBatch, error) {
	c.asked++
	batch := &fakeBatch{messages: make(chan jetstream.Msg, 1)}
	if c.asked <= c.deaf {
		batch.err = nats.ErrNoResponders
	} else {
		batch.messages <- nil
	}
	close(batch.messages)
	return batch, nil
}

type fakeBatch struct {
	messages chan jetstream.Msg
	err      error
}

func (b *fakeBatch) Messages() <-chan jetstream.Msg { return b.messages }
func (b *fakeBatch) Error() error                   { return b.err }

// TestLedgerIsReadOnceItsConsumerHasAServer asks a consumer that nobody serves for a moment, and one that nobody ever does.
func TestLedgerIsReadOnceItsConsumerHasAServer(t *testing.T) {
	for deaf, want := range map[int]struct {
		asked, got int
		err        error
	}{0: {1, 1, nil}, 3: {4, 1, nil}, deafMost: {deafMost, 0, nats.ErrNoResponders}} {
		synctest.Test(t, func(t *testing.T) {
			consumer, got := &deafConsumer{deaf: deaf}, 0
			n, err := fetch(t.Context(), consumer, 10, func(jetstream.Msg) { got++ })
			if !errors.Is(err, want.err) || got != want.got || int(n) != got || consumer.asked != want.asked {
				t.Errorf("deaf %d times: %d messages of %d after %d questions, %v, want %+v", deaf, got, n, consumer.asked, err, want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := fetch(ctx, &deafConsumer{deaf: deafMost}, 10, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v after the end of its context", err)
		}
	})
}

// TestPublishTriesAgainWhereNobodyWasThere publishes to two streams, of which the second comes up while the first one answers, and to
// one that never comes up.
func TestPublishTriesAgainWhereNobodyWasThere(t *testing.T) {
	b := served(t)
	answer := func(m *nats.Msg) { _ = m.Respond([]byte(`{"stream":"X","seq":1}`)) }
	var tries atomic.Int32
	subscribe := func(subject string, handle nats.MsgHandler) {
		if _, err := b.nc.Subscribe(subject, handle); err != nil {
			t.Error(err)
		}
		if err := b.nc.Flush(); err != nil {
			t.Error(err)
		}
	}
	subscribe("first", func(m *nats.Msg) {
		subscribe("second", func(m *nats.Msg) { tries.Add(1); answer(m) })
		answer(m)
	})
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "first", ID: "a"}, {Subject: "second", ID: "b"}}); err != nil {
		t.Errorf("a stream that came up: %v", err)
	}
	if n := tries.Load(); n != 1 {
		t.Errorf("it got the record %d times, want once", n)
	}
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "third", ID: "c"}}); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a stream that nobody serves: %v, want %v", err, nats.ErrNoResponders)
	}
}
