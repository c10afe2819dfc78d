package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// What a gauge reads of a partition, so that its cost is bounded whatever waits.
const (
	gaugeHeads   = 2000 // heads of packs at each look; packs behind them are taken to be like them
	gaugeSamples = 4    // partitions per look of whose finished packs some heads are read, to know how many signals packs hold
	gaugeSample  = 16   // such heads
	gaugeFade    = 0.99 // what is left of the weight of a head with each later one
)

// stageGauge is what is known of a partition.
type stageGauge struct {
	key   pipeline.StageKey
	made  time.Time // when its consumer was made
	last  uint64    // sequence up to which messages were counted as arrived
	floor uint64    // and as finished; of L1, the number of finished ones
	meter meter
	info  *jetstream.StreamInfo // of its stream, as seen last; nil before

	settled, signals uint64 // messages that were read and settled since floor, and their signals
}

// stageLoad is what one look at a partition found.
type stageLoad struct {
	waiting, working, parked uint64
	oldest                   time.Time
	fill                     float64
	arrived, finished        uint64 // signals in what was read
	arrivedMore              uint64 // messages that were not
	finishedMore             uint64
}

// begin counts from what is there at the first look, or where the consumer was made anew, and with it its stream.
func (s *stageGauge) begin(info *jetstream.ConsumerInfo) {
	if s.made.Equal(info.Created) {
		return
	}
	s.made, s.floor = info.Created, info.AckFloor.Stream
	s.last, s.meter = s.floor, meter{through: s.floor}
	s.settled, s.signals, s.info = 0, 0, nil
	if s.key.Shared() {
		s.floor = settledOf(info)
		s.last = s.floor
	}
}

// settledOf returns how many messages are settled of a consumer that settles out of order.
func settledOf(info *jetstream.ConsumerInfo) uint64 {
	return info.Delivered.Stream - min(info.Delivered.Stream, uint64(max(0, info.NumAckPending)))
}

// lookShared measures L1, where a message is a signal.
func (g *Gauge) lookShared(ctx context.Context, s *stageGauge, info *jetstream.ConsumerInfo) (found stageLoad, err error) {
	out := uint64(max(0, info.NumAckPending))
	found.waiting = info.NumPending
	found.parked = min(out, uint64(max(0, info.NumRedelivered)))
	found.working = out - found.parked
	last, done := info.Delivered.Stream+info.NumPending, settledOf(info)
	found.arrived, found.finished = last-min(last, s.last), done-min(done, s.floor)
	s.last, s.floor = max(s.last, last), max(s.floor, done)
	if found.waiting+out == 0 {
		return found, nil
	}
	stream, err := g.bus.stream(ctx, s.key.Stream())
	if err != nil {
		return found, err
	}
	found.fill = fillOf(stream.CachedInfo(), info.AckFloor.Stream)
	found.oldest, err = g.bus.storedAfter(ctx, s.key, info.AckFloor.Stream)
	return found, err
}

// lookKeyed measures a partition of another layer, where a message holds many signals.
func (g *Gauge) lookKeyed(
	ctx context.Context, p *packs, s *stageGauge, info *jetstream.ConsumerInfo, samples chan struct{},
) (found stageLoad, err error) {
	floor := info.AckFloor.Stream
	delivered := max(floor, info.Delivered.Stream)
	last := delivered + info.NumPending
	settled, signals := s.meter.settle(floor)
	s.settled, s.signals = s.settled+settled, s.signals+signals
	fresh := len(s.meter.heads)
	for fresh > 0 && s.meter.heads[fresh-1].seq > s.last { // They were read by a look that failed.
		fresh--
	}
	if last > s.meter.through || isFull(s.info) {
		if s.info, err = g.bus.readHeads(ctx, s.key.Stream(), &s.meter, gaugeHeads); err != nil {
			return found, err
		}
	}
	if fresh == len(s.meter.heads) && floor > s.floor+s.settled {
		if err := g.sample(ctx, p, s, floor, samples); err != nil {
			return found, err
		}
	}
	// Nothing fails from here on: what is counted is counted once.
	p.learn(s.meter.heads[fresh:])
	last = max(last, s.meter.through) // More has come while it was read.
	found.arrived, found.arrivedMore = s.arrive(s.meter.heads[fresh:], last)
	found.finished, found.finishedMore = s.finish(floor)
	found.waiting, found.working = s.meter.split(delivered, last)
	found.oldest, found.fill = s.meter.oldest(), fillOf(s.info, floor)
	return found, nil
}

// fullFrom is from which part of its bound on a stream has hardly any room.
const fullFrom = .95

func isFull(info *jetstream.StreamInfo) bool {
	return info != nil && info.Config.MaxBytes > 0 && float64(info.State.Bytes) > fullFrom*float64(info.Config.MaxBytes)
}

// fillOf returns what part of a stream's bound is taken by messages that are not settled up to floor. Those that are leave as soon as room is
// needed (see Trim); where there is hardly any and they are still there, nobody has them leave, and all count.
func fillOf(info *jetstream.StreamInfo, floor uint64) float64 {
	if info == nil || info.Config.MaxBytes <= 0 || info.State.Msgs == 0 {
		return 0
	}
	fill := float64(info.State.Bytes) / float64(info.Config.MaxBytes)
	if isFull(info) {
		return fill
	}
	left := info.State.LastSeq - min(info.State.LastSeq, max(floor, info.State.FirstSeq-1))
	return fill * min(1, float64(left)/float64(info.State.Msgs))
}

// arrive counts what came since it was called last: the signals of the heads that were read, and the messages beside them up to last.
func (s *stageGauge) arrive(fresh []head, last uint64) (signals, more uint64) {
	for _, h := range fresh {
		signals += h.signals
	}
	if last > s.last {
		more = last - s.last - min(uint64(len(fresh)), last-s.last)
		s.last = last
	}
	return signals, more
}

// finish counts what was settled since it was called last: the signals of the heads that had been read, and the messages beside them up to
// floor.
func (s *stageGauge) finish(floor uint64) (signals, more uint64) {
	if floor <= s.floor {
		return 0, 0
	}
	signals, more = s.signals, floor-s.floor-min(s.settled, floor-s.floor)
	s.floor, s.settled, s.signals = floor, 0, 0
	return signals, more
}

// oldest returns when the first signal of those that were read was stored.
func (m *meter) oldest() time.Time {
	for _, h := range m.heads {
		if h.signals > 0 {
			return h.stored
		}
	}
	return time.Time{}
}

// sample reads some heads of packs that came and went between two looks.
func (g *Gauge) sample(ctx context.Context, p *packs, s *stageGauge, floor uint64, samples chan struct{}) error {
	select {
	case samples <- struct{}{}:
	default:
		return nil // Enough others were read.
	}
	some := meter{through: floor - min(floor, gaugeSample)}
	if _, err := g.bus.readHeads(ctx, s.key.Stream(), &some, gaugeSample); err != nil {
		return err
	}
	p.learn(some.heads)
	return nil
}

// packs knows how many signals the packs of a layer hold; the last ones count most.
type packs struct {
	mu                sync.Mutex
	messages, signals float64
}

func (p *packs) learn(heads []head) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range heads {
		p.messages = gaugeFade*p.messages + 1
		p.signals = gaugeFade*p.signals + float64(h.signals)
	}
}

// each returns how many signals a message holds; 1 before anything was read.
func (p *packs) each() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.messages == 0 {
		return 1
	}
	return p.signals / p.messages
}

// storedAfter returns when the first message of a stage behind a sequence was stored, zero where there is none.
func (b *Bus) storedAfter(ctx context.Context, key pipeline.StageKey, seq uint64) (time.Time, error) {
	first, err := b.fromLeader(ctx, key.Stream(), question{Seq: seq + 1, Next: subjectFilter(key)})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("bus: oldest message of %s: %w", key.Stream(), err)
	}
	return first.Time, nil
}
