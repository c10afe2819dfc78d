package bench

import (
	"context"
	"time"
)

// How much a round of propagation has.
const (
	idleSignals   = 2_000
	idleWarmUp    = 200
	steadyRate    = 1_000 // signals/s
	steadySignals = 5_000
	steadyWarmUp  = 500
)

// measureIdle compares propagation one signal at a time by its p50.
func measureIdle(ctx context.Context, s *session, lines []line) error {
	warmUp, n := s.scale(idleWarmUp), s.scale(idleSignals)
	s.propagation(ctx, lines, func(l latency) time.Duration { return l.p50 },
		func(ctx context.Context, r *rig) (latency, error) { return r.propagateIdle(ctx, warmUp, n) })
	return nil
}

// measureSteady compares propagation at a steady rate by its p99.
func measureSteady(ctx context.Context, s *session, lines []line) error {
	warmUp, n := s.scale(steadyWarmUp), s.scale(steadySignals)
	s.propagation(ctx, lines, func(l latency) time.Duration { return l.p99 },
		func(ctx context.Context, r *rig) (latency, error) { return r.propagateSteady(ctx, warmUp, n) })
	return nil
}

// propagation fills in rows from runs of HAL9 and of the bare loops. Their value is the compared figure, their
// yardstick that of the loop that does best in it.
func (s *session) propagation(ctx context.Context, lines []line, compared func(latency) time.Duration, run func(context.Context, *rig) (latency, error)) {
	ours, loops := turns(ctx, s, lines, run)
	y := bestOf(loops, medianLatency, func(a, b latency) bool { return compared(a) < compared(b) })
	for i, line := range lines {
		if ours[i].err != nil {
			line.row.fail(ours[i].err)
			continue
		}
		l := medianLatency(ours[i].rounds)
		line.row.P50, line.row.P99, line.row.Rounds = new(milliseconds(l.p50)), new(milliseconds(l.p99)), s.cfg.Rounds
		line.row.Value = new(milliseconds(compared(l)))
		if y.name != "" {
			line.row.Yardstick = new(milliseconds(compared(y.best)))
		}
		line.row.addNote("%s", y.note(i == 0, lines[0].row.ID))
	}
}
