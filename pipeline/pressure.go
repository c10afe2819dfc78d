package pipeline

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Pressure tells stages how far others are behind, so that a backlog stays where it does least harm: in the
// lowest keyed layer, packed. It is advice; nothing breaks where it comes late or not at all.
type Pressure interface {
	// Report notes how many messages wait behind a stage. It is cheap.
	Report(key StageKey, waiting uint64)
	// Behind returns what a stage reported last, 0 where that was long ago.
	Behind(key StageKey) uint64
}

// PartitionCritical stands for the lane of critical signals beside the partitions of L2. L1 uses it while
// the partition of the signal's key is behind: under overload critical signals overtake, else order is kept.
const PartitionCritical = -1

// How far behind a partition is, in messages of its stream. Where many signals wait, a message holds hundreds.
const (
	// BehindSome is a backlog that holds back the layer below and sends critical signals another way.
	BehindSome = 32
	// BehindMuch is a backlog at which new signals that are not critical are refused where a sender can be told.
	BehindMuch = 2000
	// BehindL1 is the same for L1, whose messages hold one signal each.
	BehindL1 = 200_000
)

// holdPause is how often a stage that holds back looks again.
const holdPause = 2 * time.Millisecond

// hold waits while half of the next layer's partitions are behind. A single one must not stop the others.
func (s *stage) hold(ctx context.Context) {
	next, ok := s.key.Layer.Next()
	if !ok || s.deps.Pressure == nil || s.key.Layer == layers.NameL1 || s.key.Partition == PartitionCritical {
		return
	}
	for s.crowded(next) && pause(ctx, holdPause) == nil {
		s.beat()
	}
}

func (s *stage) crowded(next layers.Name) bool {
	partitions := max(1, s.key.Partitions)
	behind := 0
	for p := range partitions {
		if s.deps.Pressure.Behind(StageKey{Layer: next, Partition: p, Partitions: partitions}) > BehindSome {
			behind++
		}
	}
	return 2*behind >= partitions && behind > 0
}

// report tells how far the stage is behind. What a keyed stage has taken and not settled counts: a slow layer is long
// at it.
func (s *stage) report(burst []Delivery, settled bool) {
	if s.deps.Pressure == nil || s.key.Objectives || s.key.Scouts() {
		return
	}
	waiting := uint64(0)
	if len(burst) > 0 {
		waiting = burst[len(burst)-1].Pending
	}
	if !settled && !s.key.Shared() {
		waiting += uint64(len(burst))
	}
	s.deps.Pressure.Report(s.key, waiting)
}
