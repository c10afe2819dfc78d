package pipeline

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// effect is what one signal led to: what to tell the Observer once it is stored.
type effect struct {
	seq         uint64 // of the message that brought the signal
	disposition layers.Disposition
	again       bool
	final       bool
	wait        time.Duration
	process     time.Duration
	endToEnd    time.Duration
}

func (e *effect) observe(o Observer, layer layers.Name) {
	o.Decided(layer, e.disposition, e.wait, e.process)
	if e.again {
		o.Again(layer)
	}
	if e.final {
		o.Final(layer, e.endToEnd)
	}
	if e.disposition == layers.DispositionDead {
		o.Dead(layer)
	}
}
