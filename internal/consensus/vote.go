package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// againWait is the pause before what NATS did not take is tried again.
const againWait = 250 * time.Millisecond

// newsWait is how long voters wait for the news of a situation that its plan has overtaken. A vote is for ever, so one
// cast in doubt because NATS or this process was slow for a moment could cost a plan its quorum.
func (c *Council) newsWait() time.Duration { return min(10*time.Second, c.cfg.Council.Timeout/4) }

// hold has this process be a voter whenever the lease says so, until ctx ends.
func (c *Council) hold(ctx context.Context, voter int) {
	for ctx.Err() == nil {
		err := c.deps.Leases.Hold(ctx, pipeline.VoterStage(voter), func(ctx context.Context, own pipeline.Ownership) error {
			c.appoint(ctx, voter, own)
			<-ctx.Done()
			c.mu.Lock()
			delete(c.held, voter)
			c.mu.Unlock()
			return nil
		})
		if err != nil && ctx.Err() == nil {
			c.deps.Log.WarnContext(ctx, "voter waits for its lease", "voter", voter, "error", err)
		}
		_ = pipeline.Pause(ctx, againWait)
	}
}

// appoint begins the time of a voter with what is undecided.
func (c *Council) appoint(ctx context.Context, voter int, own pipeline.Ownership) {
	c.mu.Lock()
	c.held[voter] = own
	var open []*docket
	for _, d := range c.order {
		if d.plan != nil && d.decision == nil {
			open = append(open, d)
		}
	}
	c.mu.Unlock()
	for _, d := range open {
		c.judge(ctx, d)
	}
}

// judge has the voters of this process vote on a plan, in the background.
func (c *Council) judge(ctx context.Context, d *docket) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	c.judging.Go(func() {
		defer func() { <-c.slots }()
		c.await(ctx, d)
		for ctx.Err() == nil {
			votes := c.ballots(d)
			if len(votes) == 0 {
				return
			}
			err := c.cast(ctx, d, votes)
			if err == nil || layers.IsPermanent(err) {
				return // The clerk says what is wrong.
			}
			c.deps.Log.DebugContext(ctx, "votes can't be stored yet", "plan", d.id, "error", err)
			if pipeline.Pause(ctx, againWait) != nil {
				return
			}
		}
	})
}

// await returns when the situation of the plan is known as far as the plan knows it, or soon.
func (c *Council) await(ctx context.Context, d *docket) {
	timer := time.NewTimer(c.newsWait())
	defer timer.Stop()
	for {
		c.mu.Lock()
		s, heard := c.view.Situation(d.plan.SituationID), c.heard
		c.mu.Unlock()
		if s != nil && s.Revision >= d.plan.Revision {
			return
		}
		select {
		case <-heard:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// ballots returns the votes of this process's voters that are not in yet.
func (c *Council) ballots(d *docket) (votes []vote) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.decision != nil {
		return nil
	}
	now := c.deps.Now().UTC()
	judgement := c.voters.Judge(d.plan, c.view, now)
	for voter := 1; voter <= c.cfg.Council.Voters; voter++ {
		own := c.held[voter]
		if _, in := d.votes[voter]; in || own == nil || d.judged[voter] || !own.Valid() {
			continue
		}
		yes, reason := judgement.Vote(voter)
		if yes {
			c.view.Lean(d.id)
		}
		votes = append(votes, vote{layers.Vote{Voter: voter, Yes: yes, Reason: reason, By: c.cfg.Process, At: now}, d.digest})
	}
	return votes
}

// cast stores votes, together with the decision where they suffice for one.
func (c *Council) cast(ctx context.Context, d *docket, votes []vote) error {
	if made := c.foresee(d, votes); made != nil {
		err := c.castAll(ctx, d, votes, made)
		if err == nil || !errors.Is(err, bus.ErrTaken) {
			return err
		}
	}
	var each sync.WaitGroup
	failed := make([]error, len(votes))
	for i := range votes {
		each.Go(func() { failed[i] = c.castOne(ctx, d, &votes[i]) })
	}
	each.Wait()
	return errors.Join(append(failed, c.conclude(ctx, d))...)
}

// foresee returns the decision that the votes would bring about, nil where they would not.
func (c *Council) foresee(d *docket, votes []vote) *decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.decision != nil || len(d.votes) > 0 {
		return nil
	}
	for _, v := range votes {
		d.votes[v.Voter] = v
	}
	made := c.decide(d)
	for _, v := range votes {
		delete(d.votes, v.Voter) // They are not in yet.
	}
	return made
}

// castAll stores votes and decision, all or none.
func (c *Council) castAll(ctx context.Context, d *docket, votes []vote, made *decision) error {
	entries := make([]bus.Entry, 0, len(votes)+1)
	for i := range votes {
		entries = append(entries, bus.Entry{Key: keyOfVote(d.id, votes[i].Voter), Value: encode(&votes[i])})
	}
	entries = append(entries, bus.Entry{Key: keyOfDecision(d.id), Value: encode(made)})
	if err := c.register.CreateAll(ctx, entries); err != nil {
		return err
	}
	for _, v := range votes {
		c.count(d, v)
		c.deps.Observer.Voted(v.Yes)
	}
	c.learn(d, made)
	return nil
}

// castOne stores one vote. One that is in already holds, whatever this one says.
func (c *Council) castOne(ctx context.Context, d *docket, v *vote) error {
	key := keyOfVote(d.id, v.Voter)
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	_, err := c.register.Create(ctx, key, encode(v))
	if errors.Is(err, bus.ErrTaken) {
		entry, ok, err := c.register.Get(ctx, key)
		if err != nil || !ok {
			return err
		}
		c.hearVote(v.Voter, entry.Value, d)
		return nil
	}
	if err != nil {
		return err
	}
	c.deps.Observer.Voted(v.Yes)
	c.count(d, *v)
	return nil
}

// writeTime bounds a write to the register.
const writeTime = 3 * time.Second

// hearVote notes the vote that is in. One that can't be read counts for nothing, and there is no other.
func (c *Council) hearVote(voter int, data []byte, d *docket) {
	var stored vote
	if err := json.Unmarshal(data, &stored); err == nil {
		c.count(d, stored)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d.judged[voter] = true
}

// count notes a vote that is in.
func (c *Council) count(d *docket, v vote) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d.votes[v.Voter] = v
	d.judged[v.Voter] = true
}

// conclude commits the decision where the votes suffice for one.
func (c *Council) conclude(ctx context.Context, d *docket) error {
	c.mu.Lock()
	if d.decision != nil || d.commits || d.plan == nil {
		c.mu.Unlock()
		return nil
	}
	made := c.decide(d)
	d.commits = made != nil
	c.mu.Unlock()
	if made == nil {
		return nil
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		d.commits = false
	}()
	return c.commit(ctx, d, made)
}

// commit writes the decision. The first one holds.
func (c *Council) commit(ctx context.Context, d *docket, made *decision) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	_, err := c.register.Create(ctx, keyOfDecision(d.id), encode(made))
	if errors.Is(err, bus.ErrTaken) {
		made, err = c.committed(ctx, d.id)
	}
	if err != nil {
		return err
	}
	if made != nil {
		c.learn(d, made)
	}
	return nil
}

// committed reads the decision, nil where there is none.
func (c *Council) committed(ctx context.Context, id string) (*decision, error) {
	entry, ok, err := c.register.Get(ctx, keyOfDecision(id))
	if err != nil || !ok {
		return nil, err
	}
	made := &decision{}
	return made, decode(entry, made)
}

// decode reads a record. What can't be read now can never be.
func decode(entry bus.Entry, record any) error {
	if err := json.Unmarshal(entry.Value, record); err != nil {
		return layers.Permanent(fmt.Errorf("consensus: %s in the bucket %s can't be read: %w", entry.Key, pipeline.BucketAgreements, err))
	}
	return nil
}

func encode(record any) []byte {
	data, _ := json.Marshal(record) //nolint:errchkjson // Records hold nothing that JSON can't.
	return data
}
