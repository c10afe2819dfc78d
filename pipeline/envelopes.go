package pipeline

import "github.com/2lab-ai/hal9/layers"

// Envelopes is the Decoder of the stages above L1.
type Envelopes struct{}

// Decode reads what the stage below wrote.
func (Envelopes) Decode(d *Delivery) (*layers.Envelope, error) { return DecodeEnvelope(d.Data) }

// Name returns the record's id: what can't be decoded has no other name.
func (Envelopes) Name(d *Delivery) (source, id string) {
	if id = d.HeaderValue("Nats-Msg-Id"); id != "" {
		return d.Stream, id
	}
	return d.Stream, d.Stream + "-" + d.Stored.UTC().Format("20060102T150405.000000000")
}
