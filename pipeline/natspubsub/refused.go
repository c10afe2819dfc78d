package natspubsub

import (
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNotSent says that a message never left: it could not be encoded, or whether its subject has a stream could not be asked.
var ErrNotSent = errors.New("natspubsub: not sent")

// IsRefused reports whether an error of Publish says that a single message was not taken: the server refused it, or
// it never left. After any other error it may have arrived all the same.
func IsRefused(err error) bool {
	if _, ok := errors.AsType[*jetstream.APIError](err); ok {
		return true
	}
	for _, refused := range []error{
		ErrClosed, ErrNotSent, jetstream.ErrTooManyStalledMsgs, jetstream.ErrNoStreamResponse, nats.ErrConnectionClosed, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded, nats.ErrMaxPayload,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}
