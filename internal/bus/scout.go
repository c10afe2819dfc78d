package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// scoutKey is where the range stands in the bucket of checkpoints.
const scoutKey = "scout"

// scoutMemory is for how long a range that was read counts as that of now.
const scoutMemory = 20 * time.Millisecond

// Scout keeps which messages the scout answers for. It implements pipeline.Scouting.
type Scout struct {
	bus  *Bus
	keys jetstream.KeyValue

	mu   sync.Mutex
	view pipeline.ScoutRange
	read time.Time
}

// Scout opens the bucket and reads the range.
func (b *Bus) Scout(ctx context.Context) (*Scout, error) {
	keys, err := b.bucket(ctx, pipeline.BucketCheckpoints)
	if err != nil {
		return nil, err
	}
	s := &Scout{bus: b, keys: keys}
	_, err = s.Range(ctx)
	return s, err
}

// Run hears of new ranges until ctx ends.
func (s *Scout) Run(ctx context.Context) {
	for ctx.Err() == nil {
		subject := "$KV." + pipeline.BucketCheckpoints + "." + scoutKey
		follow := Follow{Stream: "KV_" + pipeline.BucketCheckpoints, Subjects: []string{subject}, Start: true}
		err := follow.Run(ctx, s.bus, func(m *Message) {
			var r pipeline.ScoutRange
			if json.Unmarshal(m.Data, &r) == nil {
				r.Revision = m.Seq
				s.see(r, time.Time{})
			}
		})
		if err != nil {
			s.bus.log.DebugContext(ctx, "ranges of the scout not heard", "error", err)
		}
		if pipeline.Pause(ctx, time.Second) != nil {
			return
		}
	}
}

// see takes in a range that was read or heard of and returns the newest one that is known: answers may come in another order than ranges were set.
func (s *Scout) see(r pipeline.ScoutRange, read time.Time) pipeline.ScoutRange {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Revision >= s.view.Revision {
		s.view = r
	}
	s.read = read
	return s.view
}

// Owns implements pipeline.Scouting. Behind the range that was heard of last it asks nobody: a new one begins behind
// all that is stored, and is heard of before its first signal comes. Within, it makes sure, since a signal that
// is left to the scout by mistake would be lost.
func (s *Scout) Owns(ctx context.Context, seq uint64) (bool, error) {
	s.mu.Lock()
	view, read := s.view, s.read
	s.mu.Unlock()
	if view.From == 0 || view.To > 0 && seq > view.To {
		return false, nil
	}
	if time.Since(read) > scoutMemory {
		var err error
		if view, err = s.Range(ctx); err != nil {
			return false, err
		}
	}
	return view.Holds(seq), nil
}

// Range implements pipeline.Scouting.
func (s *Scout) Range(ctx context.Context) (r pipeline.ScoutRange, err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	asked := time.Now()
	entry, err := s.bus.checkpointed(ctx, scoutKey)
	if err != nil {
		return r, fmt.Errorf("bus: range of the scout: %w", err)
	}
	if entry != nil {
		if err := json.Unmarshal(entry.Data, &r); err != nil {
			return r, fmt.Errorf("bus: range of the scout is not readable: %w", err)
		}
		r.Revision = entry.Seq
	}
	return s.see(r, asked), nil
}

// SetRange implements pipeline.Scouting.
func (s *Scout) SetRange(ctx context.Context, r pipeline.ScoutRange) (pipeline.ScoutRange, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	value, err := json.Marshal(r)
	if err == nil {
		r.Revision, err = s.keys.Update(ctx, scoutKey, value, r.Revision)
	}
	if err != nil {
		return r, fmt.Errorf("bus: range of the scout: %w", err)
	}
	s.see(r, time.Time{})
	return r, nil
}

// Ends implements pipeline.Scouting.
func (s *Scout) Ends(ctx context.Context) (ends pipeline.Ends, err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	key := pipeline.StageKey{Layer: layers.NameL1}
	consumer, err := s.bus.js.Consumer(ctx, key.Stream(), key.Durable())
	if err != nil {
		return ends, s.bus.openError(key, err)
	}
	ends.Settled = consumer.CachedInfo().AckFloor.Stream
	if ends.Given, err = s.bus.noteDelivered(ctx, consumer.CachedInfo().Delivered.Stream, false); err != nil {
		return ends, err
	}
	ends.Last, err = s.bus.LastSequence(ctx, key.Stream())
	return ends, err
}

// scoutHolds returns before which message nothing may be trimmed since the scout answers for it still; 0 where
// for nothing.
func (c *Checkpoints) scoutHolds(ctx context.Context) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := c.bus.checkpointed(ctx, scoutKey)
	if err != nil || entry == nil {
		return 0, err
	}
	var r pipeline.ScoutRange
	if err := json.Unmarshal(entry.Data, &r); err != nil {
		return 0, fmt.Errorf("bus: range of the scout is not readable: %w", err)
	}
	offset, err := c.offset(ctx, pipeline.ScoutKey(1).Name())
	if next := max(offset+1, r.From); err == nil && r.Holds(next) {
		return next, nil
	}
	return 0, err
}
