package chaos_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// publisherCount is how many clients publish; one client publishes all signals of a key.
const publisherCount = 4

// load is all publishing of one run.
type load struct {
	script       *script
	url          string
	withoutID    int           // so many of the publishers are careless: no Nats-Msg-Id
	span         time.Duration // nine tenths of the signals leave within it, the rest at release
	began        time.Time
	released     atomic.Bool
	published    atomic.Int64 // for the first time
	acknowledged atomic.Int64
	again        atomic.Int64 // publishes of what was published before, or failed to be
	acked        []bool       // by signal; each belongs to one publisher until all have returned
	sent         []bool
}

func newLoad(script *script, url string, span time.Duration) *load {
	n := len(script.key)
	return &load{script: script, url: url, withoutID: publisherCount / 2, span: span, acked: make([]bool, n), sent: make([]bool, n)}
}

// allowed is how many signals may have been published by now.
func (l *load) allowed() int64 {
	n := float64(len(l.script.key))
	if l.released.Load() {
		return int64(n)
	}
	return int64(min(0.9*n, n*float64(time.Since(l.began))/float64(l.span)))
}

// run publishes everything and returns when all of it is acknowledged.
func (l *load) run(ctx context.Context) error {
	l.began = time.Now()
	errs := make(chan error, publisherCount)
	for p := range publisherCount {
		go func() { errs <- l.publisher(ctx, p) }()
	}
	var failed error
	for range publisherCount {
		if err := <-errs; err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// flight is a publish that is not acknowledged yet.
type flight struct {
	index  int
	future jetstream.PubAckFuture
}

// flightsMax is how many publishes of one client are in flight.
const flightsMax = 256

// client is one publishing client at work.
type client struct {
	load    *load
	js      jetstream.JetStream
	withID  bool
	flights []flight
}

// publisher is one client: it publishes asynchronously, and again what was not acknowledged.
func (l *load) publisher(ctx context.Context, number int) error {
	js, closeClient, err := dial(l.url)
	if err != nil {
		return err
	}
	defer closeClient()
	c := &client{load: l, js: js, withID: number >= l.withoutID}
	var later []doubt
	for i := range l.script.key {
		if int(l.script.key[i])%publisherCount != number {
			continue
		}
		for l.published.Load() >= l.allowed() && ctx.Err() == nil {
			c.settle(ctx, max(0, len(c.flights)-1))
			pause(ctx, 2*time.Millisecond)
		}
		l.published.Add(1)
		l.sent[i] = true
		c.send(ctx, i)
		switch i % 100 {
		case 7: // in doubt, a sender publishes once more: at once,
			l.again.Add(1)
			c.send(ctx, i)
		case 8: // or when it has found out
			later = append(later, doubt{i, time.Now()})
		}
		if len(later) > 10 || len(later) > 0 && time.Since(later[0].since) > inDoubt/2 {
			if time.Since(later[0].since) < inDoubt {
				l.again.Add(1)
				c.send(ctx, later[0].index)
			}
			later = later[1:]
		}
		c.settle(ctx, flightsMax)
	}
	c.settle(ctx, 0)
	if ctx.Err() != nil {
		return fmt.Errorf("publisher %d: %w", number, context.Cause(ctx))
	}
	return nil
}

// inDoubt bounds for how long a sender publishes again what it has published: a copy that comes later than 40 s may be a new
// signal to another process of L1, as docs/guarantees.md says.
const inDoubt = 20 * time.Second

// doubt is a signal that is to be published once more.
type doubt struct {
	index int
	since time.Time
}

// send publishes a signal without waiting for the answer.
func (c *client) send(ctx context.Context, i int) {
	for ctx.Err() == nil {
		future, err := c.js.PublishMsgAsync(c.load.script.message(i, c.withID), jetstream.WithStallWait(2*time.Second))
		if err == nil {
			c.flights = append(c.flights, flight{i, future})
			return
		}
		c.load.again.Add(1)
		pause(ctx, 20*time.Millisecond)
	}
}

// settle waits until at most so many publishes are in flight; what was refused or got no answer is
// published again.
func (c *client) settle(ctx context.Context, atMost int) {
	for len(c.flights) > atMost && ctx.Err() == nil {
		first := c.flights[0]
		c.flights = c.flights[1:]
		if c.load.settle(ctx, first) {
			continue
		}
		c.load.again.Add(1)
		pause(ctx, 20*time.Millisecond)
		c.send(ctx, first.index)
	}
}

// settle waits for the answer to one publish.
func (l *load) settle(ctx context.Context, f flight) bool {
	select {
	case <-f.future.Ok():
		if !l.acked[f.index] {
			l.acked[f.index] = true
			l.acknowledged.Add(1)
		}
		return true
	case <-f.future.Err():
		return false
	case <-ctx.Done():
		return false
	}
}

// inOrder publishes everything with one client that waits for each acknowledgement, so that the signals
// lie in HAL9_L1 in the script's order.
func (l *load) inOrder(ctx context.Context) error {
	js, closeClient, err := dial(l.url)
	if err != nil {
		return err
	}
	defer closeClient()
	l.began = time.Now()
	for i := range l.script.key {
		for l.published.Load() >= l.allowed() && ctx.Err() == nil {
			pause(ctx, 2*time.Millisecond)
		}
		l.published.Add(1)
		l.sent[i] = true
		for publishOnce(ctx, js, l.script.message(i, true)) != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("publish %s: %w", idOf(i), context.Cause(ctx))
			}
			l.again.Add(1)
			pause(ctx, 20*time.Millisecond)
		}
		l.acked[i] = true
		l.acknowledged.Add(1)
	}
	return nil
}

func publishOnce(ctx context.Context, js jetstream.JetStream, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := js.PublishMsg(ctx, msg)
	return err
}

// dial connects a client as the manuals of nats.go do, but for patience.
func dial(url string) (js jetstream.JetStream, closeClient func(), err error) {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.Timeout(5*time.Second),
		nats.PingInterval(2*time.Second), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return nil, nil, err
	}
	js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*flightsMax), jetstream.WithPublishAsyncTimeout(5*time.Second))
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return js, nc.Close, nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
