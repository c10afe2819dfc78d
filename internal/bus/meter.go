package bus

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// meter knows how many signals the unsettled messages of one stream hold. Packs say it in their heads; each
// head is read once.
type meter struct {
	heads   []head // unsettled, in order
	through uint64 // last sequence that was read
}

// head is a message and its number of signals.
type head struct {
	seq     uint64
	signals uint64
	stored  time.Time
}

// settle forgets what is settled up to floor and returns how many messages and signals that were.
func (m *meter) settle(floor uint64) (messages, signals uint64) {
	for messages < uint64(len(m.heads)) && m.heads[messages].seq <= floor {
		signals += m.heads[messages].signals
		messages++
	}
	m.heads = append(m.heads[:0], m.heads[messages:]...)
	m.through = max(m.through, floor)
	return messages, signals
}

// split returns the signals behind the last delivered message and those up to it. What was not read, up to last, is taken to be like
// what was.
func (m *meter) split(delivered, last uint64) (waiting, working uint64) {
	var signals uint64
	for _, h := range m.heads {
		signals += h.signals
		if h.seq <= delivered {
			working += h.signals
		} else {
			waiting += h.signals
		}
	}
	if known := uint64(len(m.heads)); known > 0 && m.through < last {
		waiting += (last - m.through) * signals / known
	}
	return waiting, working
}

// readHeads reads the heads of at most so many messages, and returns how their stream was before.
func (b *Bus) readHeads(ctx context.Context, name string, m *meter, most uint64) (*jetstream.StreamInfo, error) {
	stream, err := b.stream(ctx, name)
	if err != nil {
		return nil, err
	}
	info := stream.CachedInfo()
	if info.State.LastSeq <= m.through {
		return info, nil
	}
	cfg := jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: m.through + 1, HeadersOnly: true,
	}
	return info, b.read(ctx, stream, cfg, most, func(msg jetstream.Msg) {
		meta, err := msg.Metadata()
		if err != nil {
			return // It is read again the next time.
		}
		m.through = meta.Sequence.Stream
		m.heads = append(m.heads, head{meta.Sequence.Stream, signalsIn(msg), meta.Timestamp})
	})
}

// signalsIn returns how many signals a message of a keyed layer's stream holds.
func signalsIn(msg jetstream.Msg) uint64 {
	if !pipeline.IsSignal(layers.NameL2, msg.Headers().Get(pipeline.HeaderKind)) {
		return 0
	}
	n, err := strconv.ParseUint(msg.Headers().Get(pipeline.HeaderSignals), 10, 32)
	if err != nil {
		return 1
	}
	return n
}
