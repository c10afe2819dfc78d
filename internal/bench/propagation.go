package bench

import (
	"context"
	"strings"
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
func measureIdle(hal9 contender, generate generator) measurer {
	return func(ctx context.Context, s *session, row *Row) error {
		warmUp, n := s.scale(idleWarmUp), s.scale(idleSignals)
		return s.propagation(ctx, row, hal9, func(l latency) time.Duration { return l.p50 },
			func(ctx context.Context, r *rig) (latency, error) { return r.propagateIdle(ctx, generate, warmUp, n) })
	}
}

// measureSteady compares propagation at a steady rate by its p99.
func measureSteady(hal9 contender, generate generator) measurer {
	return func(ctx context.Context, s *session, row *Row) error {
		warmUp, n := s.scale(steadyWarmUp), s.scale(steadySignals)
		row.addNote("open loop: latencies count from the time at which a signal was due to be sent")
		return s.propagation(ctx, row, hal9, func(l latency) time.Duration { return l.p99 },
			func(ctx context.Context, r *rig) (latency, error) { return r.propagateSteady(ctx, generate, warmUp, n) })
	}
}

// propagation fills in the row from runs of HAL9 and of the bare loops. Its value is the compared figure, its
// yardstick that of the loop that does best in it.
func (s *session) propagation(ctx context.Context, row *Row, hal9 contender,
	compared func(latency) time.Duration, run func(context.Context, *rig) (latency, error),
) error {
	contenders := append([]contender{hal9}, loops()...)
	results, err := turns(ctx, s, row.ID, contenders, run)
	if err != nil {
		return err
	}
	ours := medianLatency(results[0])
	var best latency
	var name string
	var all []string
	for i, rounds := range results[1:] {
		l := medianLatency(rounds)
		if name == "" || compared(l) < compared(best) {
			best, name = l, contenders[i+1].name
		}
		all = append(all, contenders[i+1].name+" "+l.String())
	}
	row.P50, row.P99, row.Rounds = new(milliseconds(ours.p50)), new(milliseconds(ours.p99)), s.cfg.Rounds
	row.Value = new(milliseconds(compared(ours)))
	if name != "" {
		row.Yardstick = new(milliseconds(compared(best)))
		row.addNote("best bare loop: %s; bare loops: %s", name, strings.Join(all, ", "))
	}
	return nil
}
