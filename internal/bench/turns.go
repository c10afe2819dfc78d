package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

// contender is something that carries signals and can be measured.
type contender struct {
	name     string
	generate generator // what it is given
	// start makes it work on the rig's server and says where signals go in and results come out.
	start func(ctx context.Context, s *session, r *rig) error
}

// outcome is what a contender gave, or what went wrong with it.
type outcome[T fmt.Stringer] struct {
	contender
	rounds []T
	err    error
}

// turns lets HAL9, in the form that each row needs, and the bare loops run once in each round, each time on a fresh
// server. Another one begins in every round, so that nobody is always first. Who fails is out.
func turns[T fmt.Stringer](ctx context.Context, s *session, lines []line, run func(ctx context.Context, r *rig) (T, error)) (ours, loops []outcome[T]) {
	var all []outcome[T]
	for _, line := range lines {
		all = append(all, outcome[T]{contender: line.hal9})
	}
	if !s.cfg.Alone {
		for _, variant := range bare.Variants() {
			all = append(all, outcome[T]{contender: loop(variant, bare.Hops)})
		}
	}
	for round := range s.cfg.Rounds {
		for turn := range all {
			i := (turn + round) % len(all)
			if o := &all[i]; o.err == nil && ctx.Err() == nil {
				var result T
				if result, o.err = attempt(ctx, s, o.contender, run); o.err != nil {
					s.say("  round %d of %d, %s: %s", round+1, s.cfg.Rounds, o.name, reason(o.err))
					continue
				}
				o.rounds = append(o.rounds, result)
				s.say("  round %d of %d, %s: %s", round+1, s.cfg.Rounds, o.name, result)
			}
		}
	}
	return all[:len(lines)], all[len(lines):]
}

// attempt runs a contender once.
func attempt[T any](ctx context.Context, s *session, c contender, run func(ctx context.Context, r *rig) (T, error)) (result T, err error) {
	r, err := s.start(ctx, c)
	if err != nil {
		return result, err
	}
	result, err = run(ctx, r)
	return result, errors.Join(err, r.stop())
}

// yardstick is the best of the bare loops.
type yardstick[T any] struct {
	name string // empty where none was measured
	best T
	all  string // all of them, for the note
}

// bestOf returns the loop that none is better than; middle is the median over rounds.
func bestOf[T fmt.Stringer](loops []outcome[T], middle func([]T) T, better func(a, b T) bool) yardstick[T] {
	var y yardstick[T]
	var all []string
	for _, o := range loops {
		if o.err != nil {
			all = append(all, o.name+" failed: "+reason(o.err))
			continue
		}
		m := middle(o.rounds)
		if y.name == "" || better(m, y.best) {
			y.name, y.best = o.name, m
		}
		all = append(all, o.name+" "+m.String())
	}
	y.all = strings.Join(all, "; ")
	return y
}

// note says which loops the row stands beside: in full in the first row of a group.
func (y yardstick[T]) note(first bool, firstID string) string {
	switch {
	case y.all == "":
		return ""
	case !first:
		return "beside the loops of " + firstID
	case y.name == "":
		return "bare loops: " + y.all
	default:
		return "best bare loop: " + y.name + "; bare loops: " + y.all
	}
}
