package consensus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// maxDockets bounds the plans that a process keeps at hand; what it forgets it can read again.
const maxDockets = 10_000

// docket is a plan with all that is known of its votes. Its fields are guarded by Council.mu.
type docket struct {
	id       string
	plan     *layers.Plan // as proposed; nil where only votes were seen so far
	digest   string       // of the plan
	stored   time.Time    // when the proposal was
	votes    map[int]vote
	decision *decision
	decided  chan struct{} // closed with the decision
	judged   map[int]bool  // voters that are done with it here
	commits  bool          // a commit is under way here

	announced map[layers.PlanEvent]bool // here
	met       bool                      // the clerk had it
	begun     bool                      // an action was begun here
}

// vote is a vote as it stands in the register.
type vote struct {
	layers.Vote
	Digest string `json:"digest"` // of the plan that is voted on
}

// decision is what was agreed on, as it stands in the register.
type decision struct {
	Digest string           `json:"digest"`
	Event  layers.PlanEvent `json:"event"` // agreed or rejected
	Reason string           `json:"reason"`
	Quorum int              `json:"quorum"`
	Votes  []layers.Vote    `json:"votes"`
	By     string           `json:"by"`
	At     time.Time        `json:"at"`
}

// digestOf names the content of a proposal, by the bytes that stand in the stream: votes on one proposal are none on another of the same id.
func digestOf(proposal []byte) string {
	sum := sha256.Sum256(proposal)
	return hex.EncodeToString(sum[:8])
}

// planID is what an id must look like to stand in a key.
var planID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Keys of the register.
func keyOfVote(id string, voter int) string  { return fmt.Sprintf("%s.vote.%d", id, voter) }
func keyOfDecision(id string) string         { return id + ".decision" }
func keyOfAction(id string, n int) string    { return fmt.Sprintf("%s.action.%d", id, n) }
func keyOfEnd(id string) string              { return id + ".end" }
func splitKey(key string) (id, rest string)  { id, rest, _ = strings.Cut(key, "."); return id, rest }
func (d *docket) matches(digest string) bool { return d.plan != nil && d.digest == digest }

// docket returns the docket of a plan, a new one where there is none. It is called with mu held.
func (c *Council) docket(id string) *docket {
	if d := c.dockets[id]; d != nil {
		return d
	}
	d := &docket{
		id: id, votes: map[int]vote{}, decided: make(chan struct{}), judged: map[int]bool{}, announced: map[layers.PlanEvent]bool{},
	}
	c.dockets[id], c.order = d, append(c.order, d)
	for len(c.order) > maxDockets {
		delete(c.dockets, c.order[0].id)
		c.order = c.order[1:]
	}
	return d
}

// file notes the proposal of a plan and returns its docket.
func (c *Council) file(plan *layers.Plan, digest string, stored time.Time) *docket {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.docket(plan.ID)
	if d.plan != nil {
		return d
	}
	d.plan, d.digest, d.stored = plan, digest, stored
	return d
}

// tally returns what the votes on the plan come to. It is called with mu held.
func (c *Council) tally(d *docket) (yes, no int) {
	for voter, v := range d.votes {
		switch {
		case !d.matches(v.Digest) || voter < 1 || voter > c.cfg.Council.Voters:
		case v.Yes:
			yes++
		default:
			no++
		}
	}
	return yes, no
}

// decide makes the decision of the votes in d and more, nil where they don't suffice. It is called with mu held.
func (c *Council) decide(d *docket) *decision {
	yes, no := c.tally(d)
	agreed, decided := c.cfg.Council.Outcome(yes, no)
	if !decided {
		return nil
	}
	event, reason := layers.PlanRejected, fmt.Sprintf("%d of %d voters said no", no, c.cfg.Council.Voters)
	if agreed {
		event, reason = layers.PlanAgreed, fmt.Sprintf("%d of %d voters said yes", yes, c.cfg.Council.Voters)
	}
	return c.ruling(d, event, reason)
}

// ruling returns a decision with the votes so far. It is called with mu held.
func (c *Council) ruling(d *docket, event layers.PlanEvent, reason string) *decision {
	made := &decision{
		Digest: d.digest, Event: event, Reason: reason, Quorum: c.cfg.Council.Quorum, By: c.cfg.Process, At: c.deps.Now().UTC(), Votes: votesOf(d),
	}
	if event == layers.PlanRejected {
		for _, v := range made.Votes {
			if !v.Yes && !strings.Contains(made.Reason, v.Reason) {
				made.Reason += "; " + v.Reason
			}
		}
	}
	return made
}

// votesOf returns the votes on the plan, by voter. It is called with mu held.
func votesOf(d *docket) []layers.Vote {
	var list []layers.Vote
	for _, voter := range slices.Sorted(maps.Keys(d.votes)) {
		if d.matches(d.votes[voter].Digest) {
			list = append(list, d.votes[voter].Vote)
		}
	}
	return list
}

// learn notes the decision that is committed.
func (c *Council) learn(d *docket, made *decision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.decision != nil {
		return
	}
	d.decision = made
	close(d.decided)
	if !d.stored.IsZero() && made.By == c.cfg.Process {
		c.deps.Observer.Agreed(max(0, made.At.Sub(d.stored)))
	}
}
