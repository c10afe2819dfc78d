package pipeline

import "github.com/2lab-ai/hal9/layers"

// parcel is an envelope inside a stage. One is used again and again: layers may keep the strings
// of an envelope, but neither the envelope nor its bytes.
type parcel struct {
	layers.Envelope

	identity identity
	raw      []byte   // the envelope as it came; nil where this stage decoded a message from outside
	block    []byte   // the signal as it came from the stage below; nil where this stage decoded it
	at       Position // in the stage's own stream
}

// takeKey makes the key that L2 found the signal's own.
func (p *parcel) takeKey() {
	if p.Rekey() {
		p.block = nil // It holds the key as it came.
	}
}

// Position is a place in a stage's stream: a stored message and the signal in it.
type Position struct {
	Seq   uint64
	Index uint32
}

// After reports whether p lies behind other.
func (p Position) After(other Position) bool {
	return p.Seq > other.Seq || p.Seq == other.Seq && p.Index > other.Index
}
