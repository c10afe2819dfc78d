// Package natspubsub is a Watermill publisher and subscriber on NATS JetStream.
//
// It promises: Publish returns nil only when JetStream has stored every message;
// messages of one call are sent without waiting for each other's acknowledgement. A
// Subscriber keeps up to MaxInFlight messages with its handlers, tells the server while
// they work so that nothing is delivered twice because a handler is slow, gives a
// rejected message back with a growing delay, and hands on or terminates what it cannot
// decode. Durable consumers are declared, checked and bound to, and never deleted;
// topics map to subjects, streams and durables by functions, so that none of the three
// needs to resemble another. Everything held in memory has a bound. The connection
// belongs to the caller and is never closed or drained here.
//
// Delivery is at least once: a message whose acknowledgement is lost, or whose handler
// outlives the drain time of Close, comes again.
package natspubsub

import (
	"errors"
	"log/slog"
)

// ErrClosed is returned by Publish and Subscribe after Close, and is the cause with which
// the contexts of messages end that were still worked on when the drain time was over.
var ErrClosed = errors.New("natspubsub: closed")

// same is the default mapping: a topic is its own subject.
func same(topic string) string { return topic }

// orDiscard returns a logger that may be used whatever the caller gave.
func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
