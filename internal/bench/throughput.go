package bench

import (
	"context"
	"fmt"
	"runtime"
	"strings"
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
func (p pace) String() string {
	return fmt.Sprintf("%s signals/s with %s", grouped(p.rate), p.cost())
}

func (p pace) cost() string {
	return fmt.Sprintf("%.1f allocations and %.1f µs of CPU per signal and hop", p.mallocs/bare.Hops, p.cpu/bare.Hops)
}

// medianPace returns the median of each figure over the rounds.
func medianPace(rounds []pace) pace {
	var rates, mallocs, cpu []float64
	for _, round := range rounds {
		rates, mallocs, cpu = append(rates, round.rate), append(mallocs, round.mallocs), append(cpu, round.cpu)
	}
	return pace{median(rates), median(mallocs), median(cpu)}
}

// measureThroughput returns how HAL9 compares with the best of the bare loops. The loops decide nothing, so
// what is published to them is the same whatever HAL9 gets.
func measureThroughput(hal9 contender, generate generator) measurer {
	return func(ctx context.Context, s *session, row *Row) error {
		contenders := append([]contender{hal9}, loops()...)
		results, err := turns(ctx, s, row.ID, contenders, func(ctx context.Context, r *rig) (pace, error) {
			return r.sustain(ctx, generate, s.scale(throughputWarmUp), s.scale(throughputSignals))
		})
		if err != nil {
			return err
		}
		ours, best, name := medianPace(results[0]), pace{}, ""
		var all []string
		for i, rounds := range results[1:] {
			p := medianPace(rounds)
			if p.rate > best.rate {
				best, name = p, contenders[i+1].name
			}
			all = append(all, fmt.Sprintf("%s %s/s", contenders[i+1].name, grouped(p.rate)))
		}
		row.Value, row.Rounds = new(ours.rate), s.cfg.Rounds
		row.addNote("HAL9 with %s, whole process", ours.cost())
		if name != "" {
			row.Yardstick = new(best.rate)
			row.addNote("best bare loop: %s with %s; bare loops: %s", name, best.cost(), strings.Join(all, ", "))
		}
		return nil
	}
}

// sustain publishes signals as fast as the contender takes them and stops the clock when the last result is
// stored. Then every one of them is looked for.
func (r *rig) sustain(ctx context.Context, generate generator, warmUp, n int) (pace, error) {
	list := generate.list(warmUp + n)
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
