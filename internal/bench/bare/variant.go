package bare

import "github.com/nats-io/nats.go/jetstream"

// Pull is a way of getting messages from a consumer.
type Pull uint8

// The ways of pulling.
const (
	PullMessages Pull = iota + 1 // Messages() of nats.go, called again where it stands still
	PullFetch                    // Fetch() of nats.go, one after the other
	PullRequests                 // requests kept open by hand
)

// Send is a way of storing a burst in the next stream and acknowledging it.
type Send uint8

// The ways of sending.
const (
	SendAckEach  Send = iota + 1 // asynchronous publishes, one acknowledgement for each message
	SendAckBurst                 // asynchronous publishes, one acknowledgement for each burst
	SendFast                     // a fast-ingest batch of jetstreamext and one acknowledgement for each burst
)

// Variant is one way of writing the loop.
type Variant struct {
	Name string
	Pull Pull
	Send Send
}

// Variants lists the ways that `hal9 bench` measures; the best of a run is its yardstick.
func Variants() []Variant {
	return []Variant{
		{"Messages, ack each", PullMessages, SendAckEach},
		{"Fetch, ack per burst", PullFetch, SendAckBurst},
		{"pull requests, ack per burst", PullRequests, SendAckBurst},
		{"Fetch, fast-ingest batches", PullFetch, SendFast},
		{"pull requests, fast-ingest batches", PullRequests, SendFast},
	}
}

func (v Variant) ackPolicy() jetstream.AckPolicy {
	if v.Send == SendAckEach {
		return jetstream.AckExplicitPolicy
	}
	return jetstream.AckAllPolicy
}
