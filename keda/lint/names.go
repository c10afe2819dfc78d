package lint

import (
	"context"
	"strings"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Names are the facts that follow from HAL9's names alone: what `hal9 provision` makes.
type Names struct {
	partitions    int
	maxAckPending int
	consumers     map[string]map[string]bool // by stream
}

// NewNames returns the facts of a HAL9 with so many partitions, whose consumers have this bound.
func NewNames(partitions, maxAckPending int) *Names {
	n := &Names{partitions: partitions, maxAckPending: maxAckPending, consumers: map[string]map[string]bool{}}
	for _, layer := range layers.Names() {
		for _, key := range pipeline.StagesOf(layer, partitions) {
			n.consumers[key.Stream()] = map[string]bool{key.Durable(): true}
		}
	}
	return n
}

// Partitions is how many each keyed layer has.
func (n *Names) Partitions() int { return n.partitions }

// Consumer tells of HAL9's consumers, and that of streams with other names nothing is known.
func (n *Names) Consumer(_ context.Context, stream, name string) (Consumer, error) {
	if !strings.HasPrefix(stream, "HAL9_L") {
		return Consumer{}, ErrUnknown
	}
	known, ok := n.consumers[stream]
	switch {
	case !ok:
		return Consumer{}, ErrNoStream
	case !known[name]:
		return Consumer{}, ErrNoConsumer
	}
	return Consumer{Durable: true, MaxAckPending: n.maxAckPending}, nil
}
