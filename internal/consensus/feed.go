package consensus

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// feeds are what the council hears: situations, plans, and what stands in the register. They begin as far back as
// voters have to remember.
func (c *Council) feeds() []func(context.Context) error {
	since := c.deps.Now().Add(-max(c.cfg.Council.Window, c.cfg.Council.Timeout))
	follow := func(stream string, hear func(context.Context, *bus.Message)) func(context.Context) error {
		return func(ctx context.Context) error {
			return bus.Follow{Stream: stream, Since: since}.Run(ctx, c.deps.Bus, func(m *bus.Message) { hear(ctx, m) })
		}
	}
	return []func(context.Context) error{
		follow(pipeline.StreamSituations, c.hearSituation),
		follow(pipeline.StreamPlans, c.hearPlan),
		func(ctx context.Context) error {
			return c.register.Follow(ctx, bus.Follow{Since: since}, func(e bus.Entry) { c.hearEntry(ctx, e) })
		},
	}
}

func (c *Council) hearSituation(_ context.Context, m *bus.Message) {
	s := &layers.Situation{}
	if json.Unmarshal(m.Data, s) != nil || s.ID == "" {
		return // Anybody may publish there.
	}
	s.MemberIDs = nil // Nobody asks for them.
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view.HearSituation(s)
	close(c.heard)
	c.heard = make(chan struct{})
}

func (c *Council) hearPlan(ctx context.Context, m *bus.Message) {
	plan := &layers.Plan{}
	if json.Unmarshal(m.Data, plan) != nil || len(plan.Actions) == 0 || !planID.MatchString(plan.ID) {
		return // The clerk says what is wrong with it.
	}
	c.mu.Lock()
	c.view.HearPlan(plan, m.Stored)
	c.mu.Unlock()
	if plan.Event != layers.PlanProposed {
		return
	}
	digest := digestOf(m.Data)
	d := c.file(plan, digest, m.Stored)
	c.mu.Lock()
	open := d.decision == nil && d.matches(digest)
	c.mu.Unlock()
	if open {
		c.judge(ctx, d)
	}
}

// hearEntry takes in what was written to the register, here or elsewhere.
func (c *Council) hearEntry(ctx context.Context, e bus.Entry) {
	id, rest := splitKey(e.Key)
	if number, ok := strings.CutPrefix(rest, "vote."); ok {
		voter, err := strconv.Atoi(number)
		var v vote
		if err != nil || json.Unmarshal(e.Value, &v) != nil || v.Voter != voter {
			return
		}
		c.mu.Lock()
		d := c.docket(id)
		c.mu.Unlock()
		c.count(d, v)
		c.concludeLater(ctx, d)
	}
	if rest == "decision" {
		made := &decision{}
		if json.Unmarshal(e.Value, made) != nil {
			return
		}
		c.mu.Lock()
		d := c.docket(id)
		c.mu.Unlock()
		c.learn(d, made)
	}
}

// concludeLater commits the decision in the background, where the votes suffice for one.
func (c *Council) concludeLater(ctx context.Context, d *docket) {
	c.mu.Lock()
	ready := d.decision == nil && !d.commits && d.plan != nil && c.decide(d) != nil
	c.mu.Unlock()
	if !ready {
		return
	}
	c.judging.Go(func() {
		for ctx.Err() == nil {
			err := c.conclude(ctx, d)
			if err == nil || layers.IsPermanent(err) {
				return // The clerk says what is wrong.
			}
			c.deps.Log.DebugContext(ctx, "a decision can't be stored yet", "plan", d.id, "error", err)
			_ = pipeline.Pause(ctx, againWait)
		}
	})
}
