package bench

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// How much a round of consensus has.
const (
	consensusNodes  = 5
	consensusKeys   = 500
	consensusWarmUp = 50
)

// measureConsensus shows the yardstick only: bare kv.Create on five servers in this process, five replicas, on files.
// L4 has no voting yet.
func measureConsensus(ctx context.Context, s *session, row *Row) error {
	row.addNote("L4 has no voting yet")
	if s.cfg.Alone {
		return nil
	}
	var rounds []latency
	for range s.cfg.Rounds {
		l, err := s.createKeys(ctx)
		if err != nil {
			return err
		}
		rounds = append(rounds, l)
		s.say("  %s, round %d of %d, bare kv.Create: %s", row.ID, len(rounds), s.cfg.Rounds, l)
	}
	l := medianLatency(rounds)
	row.Yardstick, row.Rounds = new(milliseconds(l.p50)), s.cfg.Rounds
	row.addNote("the yardstick is bare kv.Create with five replicas on five servers in this process: %s", l)
	return nil
}

// createKeys runs the yardstick on a cluster of its own.
func (s *session) createKeys(ctx context.Context) (l latency, err error) {
	dir, remove, err := s.store()
	if err != nil {
		return latency{}, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	cfg := natsserver.DefaultConfig()
	cfg.DataDir = dir
	return keysOn(ctx, cfg, keys{consensusNodes, s.scale(consensusWarmUp), s.scale(consensusKeys)}, s.cfg.Log)
}

// keys says how many keys are created on how many nodes.
type keys struct{ nodes, warmUp, n int }

// keysOn creates keys, one at a time and each from the next node.
func keysOn(ctx context.Context, cfg natsserver.Config, k keys, log *slog.Logger) (latency, error) {
	cluster, err := natsserver.StartCluster(ctx, cfg, k.nodes, log)
	if err != nil {
		return latency{}, err
	}
	defer cluster.Stop()
	var registers []*bare.Register
	for _, node := range cluster.Nodes() {
		client, err := bare.NewTarget(node.URL(), node.InProcess()).Connect()
		if err != nil {
			return latency{}, err
		}
		defer client.Close() // All stay open until the end.
		register, err := client.NewRegister(ctx, "bench", k.nodes)
		if err != nil {
			return latency{}, err
		}
		registers = append(registers, register)
	}
	samples := make([]time.Duration, 0, k.n)
	for i := range k.warmUp + k.n {
		began := time.Now()
		if err := registers[i%len(registers)].Create(ctx, i); err != nil {
			return latency{}, err
		}
		if i >= k.warmUp {
			samples = append(samples, time.Since(began))
		}
	}
	return latencyOf(samples), nil
}
