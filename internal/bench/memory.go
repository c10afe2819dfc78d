package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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
	memoryScans      = 50
	memoryHits       = 10
)

// measureMemory measures L4 with a full memory beside the exact scan of as many vectors. L4 compares words and labels,
// not vectors, so the figures say how long a search among so many takes, and the bounds, which speak of vectors,
// are not judged.
func measureMemory(ctx context.Context, s *session, row *Row) error {
	n := s.scale(memorySituations)
	ours, err := s.recall(ctx, row, n, s.cfg.Rounds)
	if err != nil {
		return err
	}
	row.P50, row.P99, row.Rounds = new(milliseconds(ours.p50)), new(milliseconds(ours.p99)), s.cfg.Rounds
	row.Value = row.P50
	row.addNote("L4 has no index of vectors yet, so must and goal do not apply: measured is its Decide (recall of %d, plan, remember) with %s "+
		"situations, compared exactly by words and labels", memoryHits, grouped(float64(n)))
	if !s.cfg.Alone {
		theirs, what := s.scan(row, n, s.cfg.Rounds)
		row.Yardstick = new(milliseconds(theirs.p50))
		row.addNote("yardstick: exact scan of as many vectors on one core (%s), %s", what, theirs)
	}
	if s.cfg.Quick {
		return nil
	}
	if ours, err = s.recall(ctx, row, memoryMore, 1); err != nil {
		return err
	}
	row.addNote("with 1,000,000: L4 %s", ours)
	if !s.cfg.Alone {
		theirs, _ := s.scan(row, memoryMore, 1)
		row.addNote("scan %s", theirs)
	}
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

func (s *session) scan(row *Row, n, rounds int) (l latency, what string) {
	v, what := loadVectors(n)
	var all []latency
	for range rounds {
		l := scanAmong(v, s.scale(memoryScans))
		all = append(all, l)
		s.say("  %s, round %d of %d, exact scan of %s vectors: %s", row.ID, len(all), rounds, grouped(float64(n)), l)
	}
	return medianLatency(all), what
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

// scanAmong measures exact scans, for vectors that are a little off those that are there.
func scanAmong(v vectors, queries int) latency {
	random := rand.New(rand.NewPCG(2, uint64(v.len())))
	samples := make([]time.Duration, 0, queries)
	for range queries {
		query := slices.Clone(v.at(random.IntN(v.len())))
		for i := range query {
			query[i] += float32(random.NormFloat64() / 100)
		}
		began := time.Now()
		scan(v, query, memoryHits)
		samples = append(samples, time.Since(began))
	}
	return latencyOf(samples)
}
