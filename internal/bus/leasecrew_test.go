package bus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// crew is the processes of one layer, each with a connection of its own, doing work that does nothing
// but watch that it is alone at it.
type crew struct {
	server *natstest.Server
	stages []string
	slow   time.Duration // at most this long a stage takes to settle

	mu      sync.Mutex
	working map[string]string // by stage: who is at work
	epochs  map[string]uint64 // by stage: the highest seen
	turns   map[string]int    // by stage: how often work began
	faults  []string
}

func newCrew(t *testing.T, stages int) *crew {
	t.Helper()
	_, server := provisioned(t, bus.DefaultTopology())
	c := &crew{
		server: server, slow: 20 * time.Millisecond,
		working: map[string]string{}, epochs: map[string]uint64{}, turns: map[string]int{},
	}
	for p := range stages {
		c.stages = append(c.stages, pipeline.StageName(layers.NameL3, p))
	}
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, fault := range c.faults {
			t.Error(fault)
		}
	})
	return c
}

func (c *crew) begin(stage, name string, own pipeline.Ownership) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, busy := c.working[stage]; busy {
		c.faults = append(c.faults, fmt.Sprintf("%s began on %s while %s was at it", name, stage, other))
	}
	if own.Epoch() <= c.epochs[stage] {
		c.faults = append(c.faults, fmt.Sprintf("%s has epoch %d after %d", stage, own.Epoch(), c.epochs[stage]))
	}
	if !own.Valid() {
		c.faults = append(c.faults, fmt.Sprintf("%s began on %s without owning it", name, stage))
	}
	c.working[stage] = name
	c.epochs[stage] = own.Epoch()
	c.turns[stage]++
}

func (c *crew) end(stage, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.working[stage] == name {
		delete(c.working, stage)
	}
}

// owned returns by member how many stages it is at work on.
func (c *crew) owned() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := map[string]int{}
	for _, name := range c.working {
		n[name]++
	}
	return n
}

func (c *crew) allTurns() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.turns)
}

func (c *crew) ownerOf(stage string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.working[stage]
}

// mate is a process of a crew.
type mate struct {
	crew   *crew
	name   string
	bus    *bus.Bus
	leases *bus.Leases
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// join starts a process that works on all stages it can get.
func (c *crew) join(t *testing.T, name string) *mate {
	t.Helper()
	m := &mate{crew: c, name: name, bus: connect(t, c.server)}
	var err error
	if m.leases, err = m.bus.Leases(t.Context(), name, layers.NameL3); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(t.Context())
	for _, stage := range c.stages {
		m.done.Go(func() {
			if err := m.leases.Hold(ctx, stage, m.work(stage)); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s holds %s no more: %v", name, stage, err)
			}
		})
	}
	t.Cleanup(m.leave)
	return m
}

func (m *mate) work(stage string) func(context.Context, pipeline.Ownership) error {
	return func(ctx context.Context, own pipeline.Ownership) error {
		m.crew.begin(stage, m.name, own)
		defer m.crew.end(stage, m.name)
		<-ctx.Done()
		if cause := context.Cause(ctx); errors.Is(cause, pipeline.ErrLeaseLost) {
			return cause
		}
		time.Sleep(rand.N(m.crew.slow)) // This is how long it takes to settle.
		return nil
	}
}

// leave stops the process as SIGTERM does.
func (m *mate) leave() {
	m.cancel()
	m.done.Wait()
}

// crash takes the process off NATS: for the others it is as dead as one that was killed.
func (m *mate) crash() { m.bus.Close() }

// until waits for something that happens in the background.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 20*time.Second {
		if ok() {
			t.Logf("%s after %s", what, time.Since(start).Round(time.Millisecond))
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s: not within %s", what, time.Since(start).Round(time.Second))
}

// balanced waits until all stages are owned by these members, as evenly as can be.
func (c *crew) balanced(t *testing.T, members ...*mate) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("owned: %v", c.owned())
		}
	}()
	until(t, fmt.Sprintf("%d stages balanced over %d", len(c.stages), len(members)), func() bool {
		counts, sum := c.owned(), 0
		for _, m := range members {
			n := counts[m.name]
			if n < len(c.stages)/len(members) || n > (len(c.stages)+len(members)-1)/len(members) {
				return false
			}
			sum += n
		}
		return sum == len(c.stages)
	})
}
