package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

// transportBytes is how much of each size a round sends.
const transportBytes = 128 << 20

// transportSizes lists the payloads, bytes.
func transportSizes() []int { return []int{64 << 10, 256 << 10, 1 << 20} }

// measureTransport compares payloads through HAL9, from publish to verdict, with bare core publish and subscribe over
// TCP, and, for the note, with bare JetStream that stores a payload in a file and has it read once: what survives its sender costs
// no less. The row shows the size at which HAL9 is slowest; one that it refuses leaves the row without a "yes".
func measureTransport(ctx context.Context, s *session, row *Row) error {
	refusedAny := false
	var all []string
	for _, size := range transportSizes() {
		t, err := s.transport(ctx, row.ID, size)
		if err != nil {
			return err
		}
		refusedAny = refusedAny || t.refused != nil
		all = append(all, t.String())
		if t.refused == nil && (row.Value == nil || t.ours < *row.Value) {
			row.Value = new(t.ours)
			if !s.cfg.Alone {
				row.Yardstick = new(t.theirs)
			}
		}
	}
	row.Rounds = s.cfg.Rounds
	row.addNote("the slowest of: %s", strings.Join(all, "; "))
	row.compare()
	row.Must = both(atLeast(row.Value, 1), new(!refusedAny))
	row.Goal = both(atLeast(row.Ratio, .9), new(!refusedAny))
	return nil
}

// transported is what one size gave: medians in GB/s, or why HAL9 refuses it.
type transported struct {
	size         int
	ours, theirs float64
	stored       float64 // bare JetStream: stored in a file and read once
	refused      error
}

// String returns it for people.
func (t transported) String() string {
	ours := fmt.Sprintf("%.3f GB/s", t.ours)
	if t.refused != nil {
		ours = "refused (" + reason(t.refused) + ")"
	}
	if t.theirs > 0 {
		return fmt.Sprintf("%d KiB %s, bare stored and read once %.3f, bare %.3f GB/s", t.size>>10, ours, t.stored, t.theirs)
	}
	return fmt.Sprintf("%d KiB %s", t.size>>10, ours)
}

// transport measures one size.
func (s *session) transport(ctx context.Context, id string, size int) (transported, error) {
	n := max(4, s.scale(transportBytes)/size)
	all := transported{size: size}
	var hal9, stored, core []float64
	for round := range s.cfg.Rounds {
		one := transported{size: size, refused: all.refused}
		var err error
		if one.refused == nil {
			if one.ours, one.refused, err = s.carry(ctx, size, n); err != nil {
				return all, err
			}
		}
		if !s.cfg.Alone {
			if one.theirs, err = s.bare(ctx, bare.PublishSubscribe, size, 4*n); err != nil {
				return all, err
			}
			if one.stored, err = s.bare(ctx, bare.StoreAndRead, size, n); err != nil {
				return all, err
			}
		}
		s.say("  %s, round %d of %d: %s", id, round+1, s.cfg.Rounds, one)
		hal9, stored, core, all.refused = append(hal9, one.ours), append(stored, one.stored), append(core, one.theirs), one.refused
	}
	all.ours, all.stored, all.theirs = median(hal9), median(stored), median(core)
	return all, nil
}

// carry sends n signals of a size through HAL9 and returns GB/s, or why it refuses them.
func (s *session) carry(ctx context.Context, size, n int) (rate float64, refused, err error) {
	r, err := s.start(ctx, passing(sized(size)))
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	list := r.generate.list(n + 1)
	if refused = r.publisher.Try(ctx, r.in, list[0]); refused != nil {
		return 0, refused, nil
	}
	if err := r.await(ctx, 1); err != nil {
		return 0, nil, err
	}
	if refused = r.verify(ctx, 1); refused != nil {
		return 0, refused, nil
	}
	began := time.Now()
	if err := r.push(ctx, list[1:], n+1); err != nil {
		return 0, nil, err
	}
	took := time.Since(began)
	return float64(size) * float64(n) / 1e9 / took.Seconds(), nil, r.verify(ctx, n+1)
}

// bare sends n messages of a size from one connection to another in a way of package bare, both over TCP, and returns GB/s.
func (s *session) bare(ctx context.Context, carry func(context.Context, bare.Target, int, int) (time.Duration, error), size, n int) (rate float64, err error) {
	r := &rig{}
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := s.serve(r); err != nil { //nolint:contextcheck // It is bounded by the server's own start timeout.
		return 0, err
	}
	took, err := carry(ctx, bare.NewTarget(r.server.URL()), size, n)
	return float64(size) * float64(n) / 1e9 / took.Seconds(), err
}
