package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// errLater says that the proposal is to be delivered again: there is something to wait for.
var errLater = errors.New("consensus: later")

// How a target that did not take an action is tried again: twice soon, and then with each new delivery, whose delays grow.
const (
	quickRetries  = 2
	quickInterval = 200 * time.Millisecond
)

func retry() message.HandlerMiddleware {
	return middleware.Retry{
		MaxRetries: quickRetries, InitialInterval: quickInterval, MaxInterval: 4 * quickInterval, Multiplier: 2,
		ShouldRetry: func(p middleware.RetryParams) bool { return errors.Is(p.Err, errRefused) },
	}.Middleware
}

// see sees a proposed plan through to its last event. It may be called again for the same plan, here and elsewhere, at
// any point where it failed before.
func (c *Council) see(msg *message.Message) error {
	ctx := msg.Context()
	plan := &layers.Plan{}
	if err := json.Unmarshal(msg.Payload, plan); err != nil {
		return layers.Permanent(fmt.Errorf("consensus: the message is no plan: %w", err))
	}
	if len(plan.Actions) == 0 {
		c.deps.Observer.Planned(layers.PlanProposed)
		return nil
	}
	if !planID.MatchString(plan.ID) || plan.Event != layers.PlanProposed {
		return layers.Permanent(fmt.Errorf("consensus: plan %q with event %q: want a proposed one whose id has 1 to 100 letters, digits, - or _",
			plan.ID, plan.Event))
	}
	delivery, ok := natspubsub.DeliveryOf(ctx)
	if !ok {
		return errors.New("consensus: the message is not from JetStream")
	}
	d := c.file(plan, digestOf(msg.Payload), delivery.Stored)
	// A proposal that stands in the stream twice may have been seen through before.
	run := &errand{council: c, docket: d, plan: *plan, msg: msg, delivery: delivery, again: delivery.Attempt > 1 || !d.stored.Equal(delivery.Stored)}
	if c.meets(d) && delivery.Attempt == 1 {
		c.deps.Observer.Planned(layers.PlanProposed)
	}
	return run.do(ctx)
}

// meets reports whether the clerk has the plan for the first time.
func (c *Council) meets(d *docket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	met := d.met
	d.met = true
	return !met
}

// errand is one try to see a plan through.
type errand struct {
	council *Council
	docket  *docket
	plan    layers.Plan
	msg     *message.Message
	made    *decision
	again   bool // it may have come some way before

	delivery *natspubsub.Delivery // of the proposal
}

func (r *errand) do(ctx context.Context) error {
	if err := r.await(ctx); err != nil {
		return err
	}
	if r.made.Digest != digestOf(r.msg.Payload) {
		return layers.Permanent(fmt.Errorf("consensus: another plan with the id %s was decided on", r.plan.ID))
	}
	if r.again {
		_, ended, err := r.council.register.Get(ctx, keyOfEnd(r.plan.ID))
		if err != nil || ended {
			return err
		}
	}
	r.plan.Votes, r.plan.Quorum, r.plan.Decision, r.plan.DecidedAt = r.made.Votes, r.made.Quorum, r.made.Reason, r.made.At
	if err := r.announce(ctx, r.made.Event); err != nil {
		return err
	}
	if r.made.Event == layers.PlanAgreed {
		if err := r.execute(ctx); err != nil {
			return err
		}
	}
	return r.end(ctx)
}

// await waits for the decision. Where the voters come to none in time, the plan is rejected: that is a decision, too.
func (r *errand) await(ctx context.Context) (err error) {
	c, d := r.council, r.docket
	if r.again {
		if r.made, err = c.committed(ctx, d.id); err != nil {
			return err
		}
		if r.made != nil {
			c.learn(d, r.made)
			return nil
		}
	}
	timer := time.NewTimer(c.cfg.Council.Timeout)
	defer timer.Stop()
	select {
	case <-d.decided:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		c.mu.Lock()
		yes, no := c.tally(d)
		made := c.ruling(d, layers.PlanRejected, fmt.Sprintf("no quorum within %s: %d yes and %d no of %d voters, %d wanted",
			c.cfg.Council.Timeout, yes, no, c.cfg.Council.Voters, c.cfg.Council.Quorum))
		c.mu.Unlock()
		r.again = true // The decision may be an old one of which only the register knows.
		if err := c.commit(ctx, d, made); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r.made = d.decision
	if r.made == nil {
		return errLater
	}
	r.again = r.again || r.delivery.Stored.Sub(r.made.At) > newsAge
	return nil
}

// newsAge is by how much a decision may seem older than its proposal, since clocks differ. One that is still older
// was made about the same proposal that came before.
const newsAge = 5 * time.Second

// announce publishes the event of the plan, once.
func (r *errand) announce(ctx context.Context, event layers.PlanEvent) error {
	c := r.council
	c.mu.Lock()
	done := r.docket.announced[event]
	c.mu.Unlock()
	id := r.plan.ID + "." + string(event)
	if !done && r.again {
		var err error
		if done, err = r.stored(ctx, pipeline.StreamPlans, id); err != nil {
			return err
		}
	}
	if done {
		return nil
	}
	r.plan.Event = event
	data, err := json.Marshal(&r.plan)
	if err != nil {
		return layers.Permanent(fmt.Errorf("consensus: %w", err))
	}
	record := pipeline.Record{Subject: pipeline.SubjectOfPlan(event), ID: id, Data: data, Trace: r.msg.Metadata.Get(pipeline.HeaderTraceParent)}
	if err := c.deps.Bus.Publish(ctx, []pipeline.Record{record}); err != nil {
		return err
	}
	c.deps.Observer.Planned(event)
	c.mu.Lock()
	defer c.mu.Unlock()
	r.docket.announced[event] = true
	return nil
}

// stored reports whether a message with the id was stored in a stream since the plan was decided on or proposed, whichever was first, by the
// clock of NATS: a proposal that came again may be younger than the decision.
func (r *errand) stored(ctx context.Context, stream, id string) (found bool, err error) {
	since := r.delivery.Stored
	made, ok, err := r.council.register.Get(ctx, keyOfDecision(r.plan.ID))
	if err != nil {
		return false, err
	}
	if ok && made.Stored.Before(since) {
		since = made.Stored
	}
	err = r.council.deps.Bus.Since(ctx, stream, since.Add(-clockSlack), 1<<20, func(m *bus.Message) {
		for _, value := range m.Header["Nats-Msg-Id"] {
			found = found || value == id
		}
	})
	return found, err
}

// clockSlack is by how much the clocks of NATS's nodes may differ.
const clockSlack = time.Minute

// end tells L4 what became of the plan, and notes that nothing is left to do.
func (r *errand) end(ctx context.Context) error {
	if err := r.tell(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	_, err := r.council.register.Create(ctx, keyOfEnd(r.plan.ID), encode(map[string]any{"event": r.plan.Event, "at": r.council.deps.Now().UTC()}))
	if errors.Is(err, bus.ErrTaken) {
		return nil
	}
	return err
}

// tell has every partition of L4 hear of the plan's last event.
func (r *errand) tell(ctx context.Context) error {
	c := r.council
	note := &layers.Note{ID: r.plan.ID + "." + string(r.plan.Event), Kind: layers.NotePlan, At: c.deps.Now().UTC(), Data: encode(&r.plan)}
	records, err := pipeline.NoteRecords(layers.NameL4, c.cfg.Partitions, note)
	if err != nil {
		return err
	}
	return c.deps.Bus.Publish(ctx, records)
}

// execute does the actions in order, up to the first that fails, and announces what came of it.
func (r *errand) execute(ctx context.Context) error {
	event := layers.PlanExecuted
	r.plan.Results = nil
	for n := 1; n <= len(r.plan.Actions) && event == layers.PlanExecuted; n++ {
		state, err := r.act(ctx, n)
		if err != nil {
			return err
		}
		r.plan.Results = append(r.plan.Results, state.ActionResult)
		if state.State != layers.ActionDone {
			event = layers.PlanFailed
			if err := r.bury(ctx, &state); err != nil {
				return err
			}
		}
	}
	r.plan.FinishedAt = r.plan.Results[len(r.plan.Results)-1].At
	r.council.mu.Lock()
	if votes := votesOf(r.docket); len(votes) > len(r.plan.Votes) {
		r.plan.Votes = votes // Some came after the decision.
	}
	r.council.mu.Unlock()
	return r.announce(ctx, event)
}
