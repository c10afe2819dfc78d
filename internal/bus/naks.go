package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// naksMost bounds the messages that are remembered.
const naksMost = 100_000

// naks knows which messages of L1 were given back. JetStream counts those that wait for another try among those that are worked on, and
// says of one that it was given back only at the moment when it is.
type naks struct {
	mu   sync.Mutex
	seqs map[uint64]struct{}
}

// add takes in an advisory.
func (n *naks) add(data []byte) {
	var nak struct {
		Seq uint64 `json:"stream_seq"`
	}
	if json.Unmarshal(data, &nak) != nil || nak.Seq == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.seqs) < naksMost {
		n.seqs[nak.Seq] = struct{}{}
	}
}

// above returns how many lie above an ack floor and forgets the others.
func (n *naks) above(floor uint64) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	for seq := range n.seqs {
		if seq <= floor {
			delete(n.seqs, seq)
		}
	}
	return uint64(len(n.seqs))
}

// Run hears which signals of L1 were given back, until ctx ends. Without it those that were given back for the first time count as worked on.
func (g *Gauge) Run(ctx context.Context) error {
	key := pipeline.StageKey{Layer: layers.NameL1}
	subject := "$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED." + key.Stream() + "." + key.Durable()
	subscription, err := g.bus.nc.Subscribe(subject, func(m *nats.Msg) { g.naks.add(m.Data) })
	if err != nil {
		return fmt.Errorf("bus: hear of signals that are given back: %w", err)
	}
	<-ctx.Done()
	return subscription.Unsubscribe()
}
