package pipeline

import "github.com/2lab-ai/hal9/layers"

// Envelopes is the Decoder of the stages above L1: their messages are packs.
type Envelopes struct{}

// Decode reads the first signal of a pack, such as the only one in a dead letter.
func (Envelopes) Decode(d *Delivery) (*layers.Envelope, error) {
	var first *layers.Envelope
	err := EachEnvelope(d.Data, func(e *layers.Envelope, _ Sender, _ Position) bool {
		first = e
		return false
	})
	if err == nil && first == nil {
		err = layers.Permanent(errTruncated)
	}
	return first, err
}

// Name returns the message's place: what can't be decoded has no other name.
func (Envelopes) Name(d *Delivery) (source, id string) {
	if id = d.HeaderValue("Nats-Msg-Id"); id != "" {
		return d.Stream, id
	}
	return d.Stream, d.Stream + "-" + d.Stored.UTC().Format("20060102T150405.000000000")
}
