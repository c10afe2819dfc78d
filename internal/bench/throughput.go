package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

// How many signals a round of throughput has.
const (
	throughputSignals = 60_000
	throughputWarmUp  = 2_000
)

// pace is what one round of throughput gave.
type pace struct {
	rate    float64 // signals/s
	mallocs float64 // allocations for each signal, in the whole process
	cpu     float64 // processor time for each signal, in the whole process, microseconds; 0 where unknown
}

// String returns the pace for people.
func (p pace) String() string { return grouped(p.rate) + "/s with " + p.cost() }

// cost returns what a hop takes; the counts are those of the whole process.
func (p pace) cost() string {
	return fmt.Sprintf("%.1f allocations and %.1f µs of CPU", p.mallocs/bare.Hops, p.cpu/bare.Hops)
}

// medianPace returns the median of each figure over the rounds.
func medianPace(rounds []pace) pace {
	var rates, mallocs, cpu []float64
	for _, round := range rounds {
		rates, mallocs, cpu = append(rates, round.rate), append(mallocs, round.mallocs), append(cpu, round.cpu)
	}
	return pace{median(rates), median(mallocs), median(cpu)}
}

// measureThroughput compares HAL9 with the best of the bare loops.
func measureThroughput(ctx context.Context, s *session, lines []line) error {
	sustain := func(ctx context.Context, r *rig) (pace, error) {
		return r.sustain(ctx, s.scale(throughputWarmUp), s.scale(throughputSignals))
	}
	ours, loops := turns(ctx, s, lines, sustain)
	most := s.ceiling(ctx, sustain)
	y := bestOf(loops, medianPace, func(a, b pace) bool { return a.rate > b.rate })
	for i, line := range lines {
		if ours[i].err != nil {
			line.row.fail(ours[i].err)
			continue
		}
		p := medianPace(ours[i].rounds)
		line.row.Value, line.row.Rounds = new(p.rate), s.cfg.Rounds
		line.row.addNote("%s per signal and hop, whole process", p.cost())
		if y.name != "" {
			line.row.Yardstick = new(y.best.rate)
		}
		line.row.addNote("%s", y.note(i == 0, lines[0].row.ID))
		if i == 0 && most != "" {
			line.row.addNote("%s", most)
		}
	}
	return nil
}

// ceiling tells how much NATS carries where each signal is stored when it comes in, read, and its result stored, and nothing
// happens in between: a bare loop of one hop. What stores one message for each signal and one for each result can hardly be faster.
func (s *session) ceiling(ctx context.Context, sustain func(context.Context, *rig) (pace, error)) string {
	if s.cfg.Alone {
		return ""
	}
	variants := bare.Variants()
	one := loop(variants[len(variants)-1], 1)
	var rounds []pace
	for round := range s.cfg.Rounds {
		p, err := attempt(ctx, s, one, sustain)
		if err != nil {
			return "one hop alone: " + reason(err)
		}
		s.say("  round %d of %d, one hop of %s: %s/s", round+1, s.cfg.Rounds, one.name, grouped(p.rate))
		rounds = append(rounds, p)
	}
	return fmt.Sprintf("one hop alone, about what storing each signal and each result leaves at most: %s/s", grouped(medianPace(rounds).rate))
}

// sustain publishes signals as fast as the contender takes them and stops the clock when the last result is
// stored. Then every one of them is looked for.
func (r *rig) sustain(ctx context.Context, warmUp, n int) (pace, error) {
	list := r.generate.list(warmUp + n)
	if err := r.push(ctx, list[:warmUp], warmUp); err != nil {
		return pace{}, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	watch := startWatch()
	if err := r.push(ctx, list[warmUp:], warmUp+n); err != nil {
		return pace{}, err
	}
	took, spent := watch.took(), watch.spent()
	runtime.ReadMemStats(&after)
	p := pace{
		rate:    float64(n) / took.Seconds(),
		mallocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		cpu:     float64(spent) / float64(time.Microsecond) / float64(n),
	}
	return p, r.verify(ctx, warmUp+n)
}

// push publishes the signals and waits until the results hold total.
func (r *rig) push(ctx context.Context, list [][]byte, total int) error {
	for _, data := range list {
		if err := r.publisher.Send(r.in, data); err != nil {
			return err
		}
	}
	if err := r.publisher.Wait(ctx); err != nil {
		return err
	}
	return r.await(ctx, total)
}
