package bench

import (
	"context"
	"errors"
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
	mallocs float64 // allocations for each signal and hop, in the whole process
	cpu     float64 // processor time for each signal, in the whole process, microseconds; 0 where unknown
}

// paces collects the rounds of one contender.
type paces []pace

// middle returns the median over the rounds of one of their figures.
func (p paces) middle(figure func(pace) float64) float64 {
	var values []float64
	for _, round := range p {
		values = append(values, figure(round))
	}
	return median(values)
}

func (p paces) rate() float64 { return p.middle(func(p pace) float64 { return p.rate }) }

func (p paces) cost() string {
	return fmt.Sprintf("%.1f allocations and %.1f µs of CPU",
		p.middle(func(p pace) float64 { return p.mallocs }), p.middle(func(p pace) float64 { return p.cpu / bare.Hops }))
}

// measureThroughput compares HAL9 with the best of the bare loops.
func measureThroughput(ctx context.Context, s *session, row *Row) error {
	contenders := append([]contender{passing()}, loops()...)
	rounds := make([]paces, len(contenders))
	for round := range s.cfg.Rounds {
		for turn := range contenders {
			i := (turn + round) % len(contenders) // nobody is always first
			p, err := s.sustain(ctx, contenders[i])
			if err != nil {
				return fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			rounds[i] = append(rounds[i], p)
			s.say("  throughput, round %d: %-35s %7.0f signals/s, %s per signal and hop", round+1, contenders[i].name, p.rate, paces{p}.cost())
		}
	}
	best := 1
	var all []string
	for i := 1; i < len(contenders); i++ {
		if rounds[i].rate() > rounds[best].rate() {
			best = i
		}
		all = append(all, fmt.Sprintf("%s %s/s", contenders[i].name, grouped(rounds[i].rate())))
	}
	row.Value, row.Yardstick, row.Rounds = new(rounds[0].rate()), new(rounds[best].rate()), s.cfg.Rounds
	row.Note = fmt.Sprintf("best bare loop: %s; per signal and hop, whole process: HAL9 %s, bare loop %s; all bare loops: %s",
		contenders[best].name, rounds[0].cost(), rounds[best].cost(), strings.Join(all, ", "))
	return nil
}

// sustain runs a contender once: signals are published as fast as it takes them, and the clock stops when the
// last result is stored. Then every one of them is looked for.
func (s *session) sustain(ctx context.Context, c contender) (pace, error) {
	r, err := c.start(ctx, s)
	if err != nil {
		return pace{}, err
	}
	p, err := r.sustain(ctx, s.scale(throughputWarmUp), s.scale(throughputSignals))
	return p, errors.Join(err, r.stop())
}

func (r *rig) sustain(ctx context.Context, warmUp, n int) (pace, error) {
	list := signals(0, warmUp+n, signalBytes, "info")
	if err := r.push(ctx, list[:warmUp], warmUp); err != nil {
		return pace{}, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, used := time.Now(), cpuTime()
	if err := r.push(ctx, list[warmUp:], warmUp+n); err != nil {
		return pace{}, err
	}
	took, spent := time.Since(began), cpuTime()-used
	runtime.ReadMemStats(&after)
	p := pace{
		rate:    float64(n) / took.Seconds(),
		mallocs: float64(after.Mallocs-before.Mallocs) / float64(n) / bare.Hops,
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
