package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/consensus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/natsserver"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

// council is the processes of L4, each on a node of its own, as far as plans go.
type council struct {
	publish *bus.Bus
	moments moments
	name    string      // of its plans
	ended   chan string // ids of plans of which nothing is left to do
	stop    func() error
}

// moments are when what is waited for was seen first. They implement consensus.Observer for all processes.
type moments struct {
	mu      sync.Mutex
	decided time.Time // the decision is committed
	agreed  time.Time // its event is stored
}

// Planned implements consensus.Observer.
func (m *moments) Planned(event layers.PlanEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if event == layers.PlanAgreed {
		m.agreed = time.Now()
	}
}

// Agreed implements consensus.Observer.
func (m *moments) Agreed(time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.decided = time.Now()
}

// Voted implements consensus.Observer.
func (m *moments) Voted(bool) {}

// Acted implements consensus.Observer.
func (m *moments) Acted(layers.ActionState) {}

// benchPlaybook records a note, so that what is measured is the agreement.
func benchPlaybook() tactical.Playbook {
	return tactical.Playbook{Name: "bench", When: "true", Steps: []string{"Agree."}, Actions: []tactical.Action{{Note: "agreed"}}}
}

// convene starts a council of some processes on a provisioned cluster and waits until they hold all voters.
func convene(ctx context.Context, nodes []*natsserver.Node, processes int, log *slog.Logger) (c *council, err error) {
	c = &council{name: fmt.Sprintf("plan-%d", processes), ended: make(chan string, 1)}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	var buses []*bus.Bus
	c.stop = func() error {
		cancel()
		running.Wait()
		for _, b := range buses {
			b.Close()
		}
		return nil
	}
	for i := range processes {
		b, member, err := c.member(ctx, nodes[i%len(nodes)], fmt.Sprintf("bench-%d", i+1), log)
		if err != nil {
			return nil, errors.Join(err, c.stop())
		}
		buses = append(buses, b)
		running.Go(func() { _ = member.Run(ctx) })
	}
	c.publish = buses[len(buses)-1]
	register, err := c.publish.Register(ctx)
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	running.Go(func() { _ = register.Follow(ctx, bus.Follow{Since: time.Now()}, c.see) })
	return c, nil
}

// see passes on that a plan has come to its end.
func (c *council) see(e bus.Entry) {
	if id, ok := strings.CutSuffix(e.Key, ".end"); ok {
		select {
		case c.ended <- id:
		default: // Nobody waits for it.
		}
	}
}

func (c *council) member(ctx context.Context, node *natsserver.Node, name string, log *slog.Logger) (*bus.Bus, *consensus.Council, error) {
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.Name = node.URL(), name
	b, err := bus.Connect(cfg, log, node.InProcess())
	if err != nil {
		return nil, nil, err
	}
	leases, err := b.Leases(ctx, name, layers.NameL4)
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	rules := tactical.DefaultCouncil()
	rules.InAll = 10_000
	member, err := consensus.New(ctx, consensus.Config{
		Council: rules, Playbooks: []tactical.Playbook{benchPlaybook()}, Process: name, Partitions: 1,
	}, consensus.Deps{Bus: b, Leases: leases, Compile: expr.Situation, Client: http.DefaultClient, Observer: &c.moments, Log: log, Now: time.Now})
	if err != nil {
		b.Close()
	}
	return b, member, err
}

// agreement is how long a plan took from before its publishing on.
type agreement struct{ decided, stored time.Duration }

// agree has plan number i agreed on and waits for its end.
func (c *council) agree(ctx context.Context, i int) (agreement, error) {
	id := fmt.Sprintf("%s-%d", c.name, i)
	situation := &layers.Situation{ID: "s-" + id, Event: layers.SituationOpened, Revision: 1, Severity: layers.SeverityError, Key: id, Title: "bench"}
	plan := &layers.Plan{
		ID: id, Event: layers.PlanProposed, SituationID: situation.ID, Revision: 1, Key: id, Severity: layers.SeverityError, Playbook: "bench",
		Title: "Agree", Steps: benchPlaybook().Steps, Reasons: []string{"bench"}, Actions: []layers.Action{{Playbook: "bench", Note: "agreed"}},
	}
	if err := c.send(ctx, pipeline.SubjectSituations+".opened", situation.ID, situation); err != nil {
		return agreement{}, err
	}
	began := time.Now()
	if err := c.send(ctx, pipeline.SubjectOfPlan(layers.PlanProposed), id+".proposed", plan); err != nil {
		return agreement{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, fmt.Errorf("bench: %s did not come to its end within a minute", id))
	defer cancel()
	for ended := ""; ended != id; {
		select {
		case ended = <-c.ended:
		case <-ctx.Done():
			return agreement{}, context.Cause(ctx)
		}
	}
	c.moments.mu.Lock()
	defer c.moments.mu.Unlock()
	return agreement{c.moments.decided.Sub(began), c.moments.agreed.Sub(began)}, nil
}

func (c *council) send(ctx context.Context, subject, id string, event any) error {
	data, err := json.Marshal(event)
	if err != nil {
		return err
	}
	return c.publish.Publish(ctx, []pipeline.Record{{Subject: subject, ID: id, Data: data}})
}
