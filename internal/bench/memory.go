package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// How much the memory holds and how often it is searched.
const (
	memorySituations = 100_000
	memoryMore       = 1_000_000 // shown as well, unless the run is a quick one
	memoryQueries    = 1_000
	memoryScans      = 200
	memoryHits       = 10
)

// measureMemory measures searches in the index of L4's memory while vectors are added to it and the oldest forgotten, beside the exact scan of as
// many, which also says which hits are right. The note has L4's Decide with as many situations.
func measureMemory(ctx context.Context, s *session, row *Row) error {
	n := s.scale(memorySituations)
	ours, what, err := s.index(ctx, row, n, s.cfg.Rounds)
	if err != nil {
		return err
	}
	row.P50, row.P99, row.Rounds = new(milliseconds(ours.search.p50)), new(milliseconds(ours.search.p99)), s.cfg.Rounds
	row.Value, row.recall = row.P50, new(ours.recall)
	row.addNote("%s vectors (%s): %s", grouped(float64(n)), what, ours)
	if !s.cfg.Alone {
		row.Yardstick = new(milliseconds(ours.scan.p50))
		row.addNote("yardstick: exact scan of the same on one core, %s", ours.scan)
	}
	decided, err := s.recall(ctx, row, n, 1)
	if err != nil {
		return err
	}
	row.addNote("L4's Decide (recall of %d, plan, remember) with %s situations: %s", memoryHits, grouped(float64(n)), decided)
	if s.cfg.Quick {
		return nil
	}
	if ours, what, err = s.index(ctx, row, memoryMore, 1); err != nil {
		return err
	}
	row.addNote("with 1,000,000 (%s): search %s, %s, exact scan %s", what, ours.search, ours, ours.scan)
	return nil
}

func (s *session) recall(ctx context.Context, row *Row, n, rounds int) (latency, error) {
	var all []latency
	for range rounds {
		l, err := recallAmong(ctx, n, s.scale(memoryQueries))
		if err != nil {
			return latency{}, err
		}
		all = append(all, l)
		s.say("  %s, round %d of %d, L4 with %s situations: %s", row.ID, len(all), rounds, grouped(float64(n)), l)
	}
	return medianLatency(all), nil
}

// recallAmong fills L4's memory with n situations and measures how it decides further ones: each is searched
// for and remembered, so that searching and inserting take turns.
func recallAmong(ctx context.Context, n, queries int) (latency, error) {
	cfg := tactical.DefaultConfig()
	cfg.MaxMemory, cfg.MaxRecalled = n, memoryHits
	layer, err := tactical.New(cfg, expr.Situation)
	if err != nil {
		return latency{}, err
	}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	samples := make([]time.Duration, 0, queries)
	for i := range n + queries {
		if i%1000 == 0 && ctx.Err() != nil {
			return latency{}, context.Cause(ctx)
		}
		e := memorable(i, random)
		began := time.Now()
		if _, err := layer.Decide(ctx, e); err != nil {
			return latency{}, err
		}
		if i >= n {
			samples = append(samples, time.Since(began))
		}
	}
	return latencyOf(samples), nil
}

// memorable returns an envelope with a situation whose title is drawn from the words of operations.
func memorable(i int, random *rand.Rand) *layers.Envelope {
	words := strings.Fields("disk full slow login failed refused timeout checksum replica lag burst outlier memory leak queue blocked " +
		"certificate expired quota exceeded node down packet loss latency high cache cold index corrupt backup late clock skew thread pool")
	title := make([]string, 6)
	for w := range title {
		title[w] = words[random.IntN(len(words))]
	}
	key, at := fmt.Sprintf("host-%d", i%400), time.Unix(1_780_000_000+int64(i), 0).UTC()
	id := fmt.Sprintf("sit-%d", i)
	return &layers.Envelope{
		Signal: layers.Signal{ID: id, Source: "bench", Key: key, Time: at, Severity: layers.SeverityWarning},
		Findings: layers.Findings{Situation: &layers.Situation{
			ID: id, Event: layers.SituationOpened, Revision: 1, Severity: layers.SeverityWarning, Key: key, Title: strings.Join(title, " "),
			OpenedAt: at, UpdatedAt: at, Members: 1, Entities: []layers.Entity{{Name: key, Score: 1}},
		}},
	}
}
