package scaling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
)

// errNone says that no decision is known yet.
var errNone = errors.New("scaling: nothing was decided yet: NATS is being measured")

// Board holds the last decision about each layer for whoever asks. It is safe for concurrent use.
type Board struct {
	fresh time.Duration
	now   func() time.Time

	mu     sync.Mutex
	layers map[layers.Name]*notice
}

// notice is what is known of a layer.
type notice struct {
	decision policy.Decision
	seen     time.Time // when the decision was seen here, by this process's clock; zero where there is none
	first    time.Time // when a first signal was seen of a layer that stands still; zero where not since
	trouble  error     // why there is no newer decision; nil where there is one
	changed  chan struct{}
}

// firstTime is for how long a first signal counts without a decision that knows of it.
const firstTime = 10 * time.Second

// newBoard returns an empty board whose decisions count for a time.
func newBoard(fresh time.Duration, now func() time.Time) *Board {
	b := &Board{fresh: fresh, now: now, layers: map[layers.Name]*notice{}}
	for _, layer := range layers.Names() {
		b.layers[layer] = &notice{changed: make(chan struct{})}
	}
	return b
}

// put takes in a decision.
func (b *Board) put(layer layers.Name, d policy.Decision) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.layers[layer]
	n.decision, n.seen, n.trouble = d, b.now(), nil
	if d.Active() {
		n.first = time.Time{}
	}
	n.tell()
}

// fail notes why there is no decision. What was decided before counts until it is old, but for what is missing: that does not come
// back by itself.
func (b *Board) fail(layer layers.Name, err error, missing bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.layers[layer]
	n.trouble = err
	if missing {
		n.seen = time.Time{}
	}
	n.tell()
}

// wake notes that a layer that stands still got a first signal.
func (b *Board) wake(layer layers.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.layers[layer]
	n.first = b.now()
	n.tell()
}

func (n *notice) tell() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// Decision returns the last decision about a layer, or why there is none that is fresh.
func (b *Board) Decision(layer layers.Name) (policy.Decision, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, _, err := b.decision(layer)
	return d, err
}

// decision returns also what is closed when there may be another answer.
func (b *Board) decision(layer layers.Name) (policy.Decision, <-chan struct{}, error) {
	n := b.layers[layer]
	if n == nil {
		return policy.Decision{}, nil, fmt.Errorf("scaling: there is no layer %s", layer)
	}
	age := b.now().Sub(n.seen)
	switch {
	case n.seen.IsZero() && n.trouble == nil:
		return policy.Decision{}, n.changed, errNone
	case n.seen.IsZero():
		return policy.Decision{}, n.changed, fmt.Errorf("scaling: %s can't be measured: %w", layer, n.trouble)
	case age > b.fresh && n.trouble == nil:
		return policy.Decision{}, n.changed, fmt.Errorf("scaling: the last decision about %s is %s old: does any scaler reach NATS?", layer, age.Round(time.Second))
	case age > b.fresh:
		return policy.Decision{}, n.changed, fmt.Errorf("scaling: the last decision about %s is %s old: %w", layer, age.Round(time.Second), n.trouble)
	}
	d := n.decision
	if d.Wanted == 0 && !n.first.IsZero() && b.now().Sub(n.first) < firstTime {
		d.Wanted, d.Term, d.Reason = 1, policy.TermDrain, "a first signal came in: one replica"
	}
	return d, n.changed, nil
}

// Last returns the last decision about a layer, however old.
func (b *Board) Last(layer layers.Name) (d policy.Decision, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.layers[layer]
	return n.decision, !n.decision.At.IsZero()
}

// FollowActive calls tell with whether a layer needs any replica, at once and at each change, until ctx ends or tell fails. It says
// nothing while that is not known.
func (b *Board) FollowActive(ctx context.Context, layer layers.Name, tell func(active bool) error) error {
	told, last := false, false
	for {
		b.mu.Lock()
		d, changed, err := b.decision(layer)
		b.mu.Unlock()
		if changed == nil {
			return err
		}
		if active := d.Active(); err == nil && (!told || active != last) {
			if err := tell(active); err != nil {
				return err
			}
			told, last = true, active
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
