package bench

import (
	"context"
	"errors"
	"fmt"
)

// turns lets every contender run once in each round, each time on a fresh server, and returns what each
// run gave, by contender. The first contender is HAL9, the others are yardsticks. Another one begins in every round, so that nobody is always first.
func turns[T fmt.Stringer](ctx context.Context, s *session, row string, contenders []contender,
	run func(ctx context.Context, r *rig) (T, error),
) ([][]T, error) {
	if s.cfg.Alone {
		contenders = contenders[:1]
	}
	results := make([][]T, len(contenders))
	for round := range s.cfg.Rounds {
		for turn := range contenders {
			i := (turn + round) % len(contenders)
			r, err := s.start(ctx, contenders[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			result, err := run(ctx, r)
			if err = errors.Join(err, r.stop()); err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			results[i] = append(results[i], result)
			s.say("  %s, round %d of %d, %s: %s", row, round+1, s.cfg.Rounds, contenders[i].name, result)
		}
	}
	return results, nil
}
