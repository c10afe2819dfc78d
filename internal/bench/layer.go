package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How many signals a round of the layers has. Before, as many criticals as L4 remembers situations fill
// its memory: an empty one is searched faster.
const (
	layerSignals  = 60_000
	layerWarmUp   = 10_000
	layerCritical = 20 // one signal in so many climbs to L5
)

// measureLayer measures each layer's Decide, with nothing around it. The row shows the slowest p50 and the slowest
// p99 of the five.
func measureLayer(ctx context.Context, s *session, row *Row) error {
	rounds := make([][]latency, len(layers.Names()))
	for round := range s.cfg.Rounds {
		samples, err := decideAll(ctx, s.scale(layerWarmUp), s.scale(layerSignals))
		if err != nil {
			return err
		}
		for i, list := range samples {
			if len(list) == 0 {
				return fmt.Errorf("no signal reached %s", layers.Names()[i])
			}
			l := latencyOf(list)
			rounds[i] = append(rounds[i], l)
			s.say("  %s, round %d of %d, %s: %s of %d signals", row.ID, round+1, s.cfg.Rounds, layers.Names()[i], l, len(list))
		}
	}
	var worst latency
	var all []string
	for i, name := range layers.Names() {
		l := medianLatency(rounds[i])
		worst.p50, worst.p99 = max(worst.p50, l.p50), max(worst.p99, l.p99)
		all = append(all, name.String()+" "+l.String())
	}
	row.P50, row.P99 = new(milliseconds(worst.p50)), new(milliseconds(worst.p99))
	row.Value, row.Rounds = row.P50, s.cfg.Rounds
	row.addNote("the slowest of each figure; %s; L4 remembers %s situations", strings.Join(all, ", "), grouped(float64(s.scale(layerWarmUp))))
	return nil
}

// decideAll lets signals climb through fresh layers and returns how long each layer took for each signal it saw.
func decideAll(ctx context.Context, warmUp, n int) ([][]time.Duration, error) {
	c, err := newChain()
	if err != nil {
		return nil, err
	}
	generate := generator(func(i int, at time.Time) []byte {
		if i < warmUp || i%layerCritical == 0 {
			return critical(i, at)
		}
		return mixed(i, at)
	})
	samples := make([][]time.Duration, len(layers.Names()))
	var spent []time.Duration
	for i, data := range generate.list(warmUp + n) {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if spent, err = c.decide(ctx, data, spent[:0]); err != nil {
			return nil, err
		}
		if i < warmUp {
			continue
		}
		for layer, took := range spent {
			samples[layer] = append(samples[layer], took)
		}
	}
	return samples, nil
}
