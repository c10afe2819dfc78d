// Package consensus has plans with actions agreed on, and then carried out once. It owns everything between a plan's
// "proposed" and its last event.
//
// Voters are identities, each held by one process of L4 at a time and spread over them by leases. Each judges a proposal by what
// its process knows and writes its vote, for ever, into a bucket that JetStream's Raft replicates. Whoever sees a quorum commits the
// decision there, by creating one key: the first one holds, whoever else tries. Where one process holds a quorum of
// voters, votes and decision are one write.
//
// It promises: an action is begun only after its plan's agreement is committed; it is begun by whoever wrote that
// it begins, by compare-and-set, so once; and it is tried again only where the target said, or could not be told, what
// to do. Where that is in doubt (a process died in between, an answer did not come) it is not tried again: the
// plan fails with the outcome unknown. Whoever gets a proposal from the durable consumer sees it through, and another process goes on where that one ends.
package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// Config says how plans are agreed on.
type Config struct {
	Council    tactical.Council
	Playbooks  []tactical.Playbook
	Process    string // the name of this process in votes and results
	Partitions int    // of L4, which is told what became of plans
}

// Observer counts.
type Observer interface {
	Planned(event layers.PlanEvent)
	Voted(yes bool)
	Agreed(took time.Duration) // from the storing of the proposal to the decision
	Acted(state layers.ActionState)
}

// Deps is what the council works with; all of it is required.
type Deps struct {
	Bus      *bus.Bus
	Leases   pipeline.Leases
	Compile  layers.Compiler[layers.Situation]
	Client   *http.Client
	Observer Observer
	Log      *slog.Logger
	Now      func() time.Time
}

// Council is the voters and the clerk of one process.
type Council struct {
	cfg      Config
	deps     Deps
	register *bus.Register
	voters   *tactical.Voters
	targets  *outbound.Targets
	router   *message.Router
	closers  []interface{ Close() error }
	ended    atomic.Bool
	slots    chan struct{}  // judging
	judging  sync.WaitGroup // started by feeds and voters

	mu      sync.Mutex
	view    *tactical.View
	dockets map[string]*docket
	order   []*docket // of dockets, the oldest first
	held    map[int]pipeline.Ownership
	heard   chan struct{} // closed and replaced when a situation is heard of
}

// maxJudging bounds the plans that are judged at the same time.
const maxJudging = 256

// New returns the council of this process; nothing runs yet.
func New(ctx context.Context, cfg Config, deps Deps) (*Council, error) {
	if err := cfg.Council.Validate(); err != nil {
		return nil, err
	}
	register, err := deps.Bus.Register(ctx)
	if err != nil {
		return nil, err
	}
	voters, err := tactical.NewVoters(cfg.Council, cfg.Playbooks, deps.Compile)
	if err != nil {
		return nil, err
	}
	c := &Council{
		cfg: cfg, deps: deps, register: register, voters: voters, slots: make(chan struct{}, maxJudging),
		view: tactical.NewView(), dockets: map[string]*docket{}, held: map[int]pipeline.Ownership{}, heard: make(chan struct{}),
	}
	return c, c.open()
}

// open makes the Watermill router whose handler is the clerk.
func (c *Council) open() error {
	in := natspubsub.DefaultSubscriberConfig()
	in.Stream = func(string) string { return pipeline.StreamPlans }
	in.Durable = func(string) string { return pipeline.DurablePlans }
	in.Backoff = natspubsub.ExponentialBackoff(time.Second, 30*time.Second)
	in.Logger = c.deps.Log
	subscriber, err := natspubsub.NewSubscriber(c.deps.Bus.Conn(), in)
	if err != nil {
		return err
	}
	out := natspubsub.DefaultPublisherConfig()
	dead, err := natspubsub.NewPublisher(c.deps.Bus.Conn(), out)
	if err != nil {
		return err
	}
	out.Unstored = natspubsub.UnstoredSend
	publisher, err := natspubsub.NewPublisher(c.deps.Bus.Conn(), out)
	if err != nil {
		return err
	}
	c.targets = outbound.NewTargets(outbound.Deps{Publisher: publisher, Client: c.deps.Client, Log: c.deps.Log})
	c.closers = append(c.closers, subscriber, publisher, dead)
	c.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: drainTime}, watermill.NewSlogLogger(outbound.Quiet(c.deps.Log)))
	if err != nil {
		return fmt.Errorf("consensus: %w", err)
	}
	handler := c.router.AddConsumerHandler("plans", pipeline.DurablePlans, outbound.Patient(subscriber, c.deps.Log), c.see)
	poison, err := outbound.Poison(dead, pipeline.SubjectDeadAction)
	if err != nil {
		return fmt.Errorf("consensus: %w", err)
	}
	handler.AddMiddleware(poison, retry())
	return nil
}

// drainTime bounds how long actions under way may take after a stop.
const drainTime = 12 * time.Second

// Run votes and carries out until ctx ends, then finishes what is under way.
func (c *Council) Run(ctx context.Context) error {
	// The clerk stops before what feeds it.
	feeding, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var feeds sync.WaitGroup
	for _, feed := range c.feeds() {
		feeds.Go(func() { c.keep(feeding, feed) })
	}
	for voter := 1; voter <= c.cfg.Council.Voters; voter++ {
		feeds.Go(func() { c.hold(feeding, voter) })
	}
	ended := []error{c.router.Run(ctx)}
	c.ended.Store(true)
	stop()
	feeds.Wait()
	c.judging.Wait()
	for _, closer := range c.closers {
		ended = append(ended, closer.Close())
	}
	if err := errors.Join(ended...); err != nil {
		return fmt.Errorf("consensus: %w", err)
	}
	return nil
}

// keep runs a feed until ctx ends, whatever befalls it.
func (c *Council) keep(ctx context.Context, feed func(context.Context) error) {
	for ctx.Err() == nil {
		if err := feed(ctx); err != nil {
			c.deps.Log.WarnContext(ctx, "voters don't hear the news, trying again", "error", err)
		}
		_ = pipeline.Pause(ctx, againWait)
	}
}

// Running is closed once proposals are taken.
func (c *Council) Running() <-chan struct{} { return c.router.Running() }

// State says in a few words whether proposals are taken.
func (c *Council) State() (text string, ok bool) { return outbound.StateOf(c.router, c.ended.Load()) }
