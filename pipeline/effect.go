package pipeline

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// effect is what one delivery led to: records to store, and what to tell the Observer once
// they are.
type effect struct {
	records     []Record
	disposition layers.Disposition // 0 where no layer decided
	again       bool
	final       bool
	wait        time.Duration
	process     time.Duration
	endToEnd    time.Duration
}

func (e *effect) observe(o Observer, layer layers.Name) {
	if e.disposition == 0 {
		return
	}
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
