package pipeline

import (
	"context"
	"math"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Pressure tells stages how far others are behind, so that a backlog stays where it does least harm: in the
// lowest keyed layer, packed. It is advice; nothing breaks where it comes late or not at all.
type Pressure interface {
	// Report notes how long a stage will take for what waits for it, at its present pace. It is cheap.
	Report(key StageKey, waiting time.Duration)
	// Forget is called when this process does not work on a stage any more.
	Forget(key StageKey)
	// Behind returns what a stage reported last, 0 where that was long ago.
	Behind(key StageKey) time.Duration
}

// PartitionCritical stands for the lane of critical signals beside the partitions of L2. L1 uses it while
// the partition of the signal's key is behind: under overload critical signals overtake, else order is kept.
const PartitionCritical = -1

// How far behind a stage is: the time that it needs for what waits for it.
const (
	// BehindSome is a backlog that holds back the layer below and sends critical signals another way.
	BehindSome = 200 * time.Millisecond
	// BehindMuch is a backlog at which new signals that are not critical are refused where a sender can be told.
	BehindMuch = 10 * time.Second
)

// windowTime is for how long a keyed stage takes work in hand: what waits in its hands can't be overtaken. L1 has others to
// share with, and sharedTime; but what it has in hand for too long is given to them as well.
const (
	windowTime  = BehindSome / 2
	sharedTime  = 500 * time.Millisecond
	sharedFirst = 512 // messages, before the pace is known
)

// restMost bounds how long L1 makes room for the scout at a time.
const restMost = 500 * time.Millisecond

// holdPause is how often a stage that holds back looks again.
const holdPause = 2 * time.Millisecond

// hold waits while half of the next layer's partitions are behind. A single one must not stop the others. L1 waits for no
// layer, but makes room for the scout of its process, for as long as its last burst took at most, and not for long, since what it has on
// loan gets older meanwhile: half of the time is its own.
func (s *stage) hold(ctx context.Context, took time.Duration) {
	next, ok := s.key.Layer.Next()
	if !ok || s.deps.Pressure == nil || s.key.Partition == PartitionCritical {
		return
	}
	began, most := s.deps.Now(), min(took, restMost)
	isHeld := func() bool { return s.crowded(next) }
	if s.key.Shared() {
		isHeld = func() bool {
			return s.deps.Pressure.Behind(ScoutKey(s.key.Partitions)) > scoutLag && s.deps.Now().Sub(began) < most
		}
	}
	for isHeld() && Pause(ctx, holdPause) == nil {
		s.beat()
	}
}

func (s *stage) crowded(next layers.Name) bool {
	return Crowded(s.deps.Pressure, next, s.key.Partitions)
}

// Crowded reports whether a layer holds back the one below: half of its partitions are behind.
func Crowded(pressure Pressure, layer layers.Name, partitions int) bool {
	partitions = max(1, partitions)
	behind := 0
	for p := range partitions {
		if pressure.Behind(StageKey{Layer: layer, Partition: p, Partitions: partitions}) > BehindSome {
			behind++
		}
	}
	return 2*behind >= partitions && behind > 0
}

// report tells how far the stage is behind. What a keyed stage has taken and not settled counts: a slow layer is long
// at it.
func (s *stage) report(burst []Delivery, settled bool) {
	if s.deps.Pressure == nil || s.key.Objectives {
		return
	}
	waiting := uint64(0)
	if len(burst) > 0 {
		waiting = burst[len(burst)-1].Pending
	}
	if s.key.Scouts() { // How old it is counts; what waits for it has come in already.
		age := time.Duration(0)
		if len(burst) > 0 {
			age = s.deps.Now().Sub(burst[len(burst)-1].Stored)
		}
		s.deps.Pressure.Report(s.key, max(0, age))
		return
	}
	if !settled && !s.key.Shared() {
		waiting += uint64(len(burst))
	}
	s.deps.Pressure.Report(s.key, s.speed.time(waiting))
}

// forget ends the reports.
func (s *stage) forget() {
	if s.deps.Pressure != nil && !s.key.Objectives {
		s.deps.Pressure.Forget(s.key)
	}
}

// pace is what messages cost a stage lately: the last bursts count most.
type pace struct{ messages, took float64 } // took in nanoseconds

// paceKeeps is how much of a burst's weight is left when the next one ends.
const paceKeeps = .75

func (p *pace) add(messages int, took time.Duration) {
	p.messages = paceKeeps*p.messages + float64(messages)
	p.took = paceKeeps*p.took + float64(took)
}

// time returns how long so many messages will take; 0 before the first burst.
func (p *pace) time(messages uint64) time.Duration {
	if p.messages == 0 {
		return 0
	}
	return time.Duration(min(float64(messages)*p.took/p.messages, float64(math.MaxInt64/2)))
}

// window returns how many messages a stage should have in hand at most; 0 stands for no bound of its own.
func (s *stage) window() int {
	switch {
	case s.key.Scouts():
		return 0 // It must outrun those who send.
	case s.pace.took == 0 && s.key.Shared():
		return sharedFirst
	case s.pace.took == 0:
		return 0
	}
	most := windowTime
	if s.key.Shared() {
		most = sharedTime
	}
	return int(min(1+float64(most)*s.pace.messages/s.pace.took, math.MaxInt32))
}
