package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a Listener holds at most when its visitor is slow.
const (
	listenMessages = 1 << 16
	listenBytes    = 64 << 20
)

// Listener receives what is published to a subject while it listens, whether a stream stores
// it or not. It costs the server no consumer and may miss messages: those that are
// published while the connection is away, and those that it drops since its visitor is slow.
// Whoever must see each one uses Follow.
type Listener struct {
	bus          *Bus
	subscription *nats.Subscription
}

// Listen visits each message on the subject, one after another, once it returns. The messages
// have no sequence and no time, since no stream has given them any.
func (b *Bus) Listen(ctx context.Context, subject string, visit func(*Message)) (*Listener, error) {
	subscription, err := b.nc.Subscribe(subject, func(msg *nats.Msg) {
		visit(&Message{Subject: msg.Subject, Header: msg.Header, Data: msg.Data})
	})
	if err != nil {
		return nil, fmt.Errorf("bus: listen on %s: %w", subject, err)
	}
	l := &Listener{bus: b, subscription: subscription}
	if err := subscription.SetPendingLimits(listenMessages, listenBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("bus: listen on %s: %w", subject, err), l.Close())
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	if err := b.nc.FlushWithContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bus: listen on %s: %w", subject, err), l.Close())
	}
	return l, nil
}

// Broken returns a channel that is closed when the connection breaks: what is published from
// then on until it is back is missed.
func (l *Listener) Broken() <-chan struct{} { return l.bus.brokenChan() }

// Dropped returns how many messages were dropped since the visitor was too slow.
func (l *Listener) Dropped() uint64 {
	dropped, err := l.subscription.Dropped()
	if err != nil {
		return 0 // It is closed.
	}
	return uint64(max(0, dropped))
}

// Close ends the listening. A visit may still be under way when it returns.
func (l *Listener) Close() error {
	if err := l.subscription.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("bus: stop listening on %s: %w", l.subscription.Subject, err)
	}
	return nil
}

// IsDisconnected reports whether an error comes from a connection to NATS that is away.
func IsDisconnected(err error) bool {
	for _, away := range []error{
		ErrDisconnected, nats.ErrDisconnected, nats.ErrConnectionClosed, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, nats.ErrNoServers, jetstream.ErrConnectionClosed,
	} {
		if errors.Is(err, away) {
			return true
		}
	}
	return false
}
