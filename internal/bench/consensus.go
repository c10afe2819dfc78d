package bench

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// How much a round of consensus has.
const (
	consensusNodes  = 5
	consensusPlans  = 500
	consensusWarmUp = 50
)

// agreements are the distributions of one round.
type agreements struct {
	create          latency // the yardstick, in turns with the others
	decided, stored latency // one process with all voters
	spread          latency // five processes with a voter each
}

// measureConsensus has five voters agree on plans, on five servers in this process with five replicas on files: from before the
// plan is published until the decision is committed. bare kv.Create on the same servers, in turns, is the yardstick.
func measureConsensus(ctx context.Context, s *session, row *Row) error {
	var create, decided, stored, spread []latency
	for range s.cfg.Rounds {
		a, err := s.agreements(ctx)
		if err != nil {
			return err
		}
		create, decided = append(create, a.create), append(decided, a.decided)
		stored, spread = append(stored, a.stored), append(spread, a.spread)
		s.say("  %s, round %d of %d: agreed %s, bare kv.Create %s", row.ID, len(decided), s.cfg.Rounds, a.decided, a.create)
	}
	l := medianLatency(decided)
	row.P50, row.P99, row.Value, row.Rounds = new(milliseconds(l.p50)), new(milliseconds(l.p99)), new(milliseconds(l.p50)), s.cfg.Rounds
	row.addNote("from the publishing of a proposed plan to the committed decision, one process of L4; its event is stored after %s", medianLatency(stored))
	row.addNote("with five processes, a voter each: %s", medianLatency(spread))
	if !s.cfg.Alone {
		l := medianLatency(create)
		row.Yardstick = new(milliseconds(l.p50))
		row.addNote("the yardstick is bare kv.Create with five replicas on the same five servers, in turns: %s", l)
	}
	return nil
}

// agreements runs a round on a cluster of its own.
func (s *session) agreements(ctx context.Context) (a agreements, err error) {
	dir, remove, err := s.store()
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	cfg := natsserver.DefaultConfig()
	cfg.DataDir = dir
	return agreeOn(ctx, cfg, keys{consensusNodes, s.scale(consensusWarmUp), s.scale(consensusPlans)}, s.cfg.Log)
}

// keys says how many keys are created, and plans agreed on, on how many nodes.
type keys struct{ nodes, warmUp, n int }

// agreeOn lets both councils agree on plans, one after the other, with a key created between any two plans.
func agreeOn(ctx context.Context, cfg natsserver.Config, k keys, log *slog.Logger) (a agreements, err error) {
	cluster, err := natsserver.StartCluster(ctx, cfg, k.nodes, log)
	if err != nil {
		return a, err
	}
	defer cluster.Stop()
	nodes := cluster.Nodes()
	registers, err := openRegisters(ctx, nodes)
	if err != nil {
		return a, err
	}
	defer registers.close()
	if err := provision(ctx, nodes[0], k.nodes, log); err != nil {
		return a, err
	}
	first, err := takeTurns(ctx, nodes, 1, k, registers, log)
	if err != nil {
		return a, err
	}
	second, err := takeTurns(ctx, nodes, k.nodes, k, registers, log)
	a = first
	a.spread = second.decided
	return a, err
}

// takeTurns lets a council of some processes agree, with a bare kv.Create after each plan.
func takeTurns(ctx context.Context, nodes []*natsserver.Node, processes int, k keys, registers *registers, log *slog.Logger) (a agreements, err error) {
	c, err := convene(ctx, nodes, processes, log)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	var decided, stored, create []time.Duration
	for i := range k.warmUp + k.n {
		took, err := c.agree(ctx, i)
		if err != nil {
			return a, err
		}
		began := time.Now()
		if err := registers.create(ctx); err != nil {
			return a, err
		}
		if i >= k.warmUp {
			create = append(create, time.Since(began))
			decided, stored = append(decided, took.decided), append(stored, took.stored)
		}
	}
	return agreements{create: latencyOf(create), decided: latencyOf(decided), stored: latencyOf(stored)}, nil
}

// provision makes streams and buckets on a cluster whose servers may not know each other yet.
func provision(ctx context.Context, node *natsserver.Node, replicas int, log *slog.Logger) error {
	cfg := bus.DefaultConfig()
	cfg.URL = node.URL()
	b, err := bus.Connect(cfg, log, node.InProcess())
	if err != nil {
		return err
	}
	defer b.Close()
	topology := bus.DefaultTopology()
	topology.Replicas = replicas
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		if err = b.Provision(ctx, topology); err == nil {
			return nil
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return err
		}
	}
}

// registers are the yardstick's clients, one on each node.
type registers struct {
	clients []*bare.Client
	all     []*bare.Register
	n       int
}

func openRegisters(ctx context.Context, nodes []*natsserver.Node) (*registers, error) {
	r := &registers{}
	for _, node := range nodes {
		client, err := bare.NewTarget(node.URL(), node.InProcess()).Connect()
		if err != nil {
			r.close()
			return nil, err
		}
		r.clients = append(r.clients, client)
		register, err := client.NewRegister(ctx, "bench", len(nodes))
		if err != nil {
			r.close()
			return nil, err
		}
		r.all = append(r.all, register)
	}
	return r, nil
}

// create creates the next key, from the next node.
func (r *registers) create(ctx context.Context) error {
	r.n++
	return r.all[r.n%len(r.all)].Create(ctx, r.n)
}

func (r *registers) close() {
	for _, client := range r.clients {
		client.Close()
	}
}
