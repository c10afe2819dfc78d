package bus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/2lab-ai/hal9/pipeline"
)

// errRecalled ends the work on a stage that another process is to have.
var errRecalled = errors.New("bus: the partition moves to another process")

// place is where a stage stands in this process.
type place int

// The places. A stage goes round through them.
const (
	placeWaiting   place = iota + 1
	placeClaiming        // it may claim the lease
	placeWorking         // it owns the lease
	placeReleasing       // its work has returned
)

// turn is whose turn it is to take a stage.
type turn int

// The turns.
const (
	turnUnknown turn = iota
	turnOurs
	turnOthers
)

// hold is a stage that this process asks for. Its fields are guarded by Leases.mu, but for the channel.
type hold struct {
	stage, layer string
	grants       chan grant
	place        place
	turn         turn
	ending       bool // it is asked for no longer
	own          *ownership
	failed       uint64        // the revision of which a claim failed: the view is behind
	after        time.Duration // when to try again after another failure
}

// grant allows to claim the lease that has a revision.
type grant struct {
	session  *session
	revision uint64
}

// ownership is one time of owning a stage. It implements pipeline.Ownership.
type ownership struct {
	session *session
	epoch   uint64
	ended   atomic.Bool
	cancel  context.CancelCauseFunc

	recalled, lost bool // guarded by Leases.mu
}

// Valid implements pipeline.Ownership.
func (o *ownership) Valid() bool { return !o.ended.Load() && o.session.valid() }

// Epoch implements pipeline.Ownership.
func (o *ownership) Epoch() uint64 { return o.epoch }

// lose ends the work at once. It is called with Leases.mu held.
func (o *ownership) lose() {
	o.lost = true
	o.ended.Store(true)
	o.cancel(pipeline.ErrLeaseLost)
}

// Hold implements pipeline.Leases.
func (l *Leases) Hold(ctx context.Context, stage string, work func(ctx context.Context, own pipeline.Ownership) error) error {
	if l.isSolo() {
		return l.holdAlone(ctx, stage, work)
	}
	h, err := l.enter(ctx, stage)
	if err != nil {
		return err
	}
	defer l.leave(h)
	stop := context.AfterFunc(ctx, func() { l.ending(h) })
	defer stop()
	for {
		owned, own, err := l.acquire(ctx, h)
		if err != nil {
			return err
		}
		if err = context.Cause(ctx); err == nil {
			err = work(owned, own)
		}
		if l.release(ctx, h, err) {
			continue
		}
		if errors.Is(err, pipeline.ErrLeaseLost) { // It is no failure, and only the end of ctx is left to tell.
			err = context.Cause(ctx)
		}
		return err
	}
}

// enter registers a stage; the first one starts the keeper.
func (l *Leases) enter(ctx context.Context, stage string) (*hold, error) {
	l.life.Lock()
	defer l.life.Unlock()
	h := &hold{stage: stage, layer: layerOf(stage), grants: make(chan grant, 1), place: placeWaiting}
	l.mu.Lock()
	if _, twice := l.holds[stage]; twice {
		l.mu.Unlock()
		return nil, fmt.Errorf("bus: lease %s is asked for twice in one process", stage)
	}
	l.holds[stage] = h
	l.know(h.layer, stage)
	first := len(l.holds)+len(l.guests) == 1
	l.mu.Unlock()
	if first {
		l.start(ctx)
	}
	l.wake()
	return h, nil
}

// leave is the opposite of enter.
func (l *Leases) leave(h *hold) {
	l.life.Lock()
	defer l.life.Unlock()
	l.mu.Lock()
	delete(l.holds, h.stage)
	last := len(l.holds)+len(l.guests) == 0
	l.mu.Unlock()
	if last {
		l.stop()
		<-l.over
	}
	l.wake()
}

func (l *Leases) start(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	l.over = over
	go func() {
		defer close(over)
		(&keeper{leases: l}).run(ctx)
	}()
}

// ending notes that a stage is asked for no longer, though its work may still have to finish.
func (l *Leases) ending(h *hold) {
	l.mu.Lock()
	h.ending = true
	l.mu.Unlock()
	l.wake()
}

// acquire waits until the stage is this process's.
func (l *Leases) acquire(ctx context.Context, h *hold) (context.Context, *ownership, error) {
	for {
		select {
		case g := <-h.grants:
			if owned, own := l.claim(ctx, h, g); own != nil {
				return owned, own, nil
			}
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// claim takes the lease, unless somebody else was faster.
func (l *Leases) claim(ctx context.Context, h *hold, g grant) (context.Context, *ownership) {
	asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRequest)
	defer cancel()
	revision, err := l.store.put(asked, h.stage, leaseRecord{Session: g.session.id, Owner: l.owner}, g.revision, 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.wake()
	if err == nil {
		l.view.set(h.stage, leaseState{revision: revision, session: g.session.id, owner: l.owner})
	}
	if err != nil || g.session.lost {
		h.place = placeWaiting
		if isWrongRevision(err) {
			h.failed = g.revision
		} else {
			h.after = l.now() + leaseRetry
		}
		return nil, nil
	}
	owned, lose := context.WithCancelCause(ctx)
	h.place = placeWorking
	h.own = &ownership{session: g.session, epoch: revision, cancel: lose}
	l.moves.gained++
	return owned, h.own
}

// release gives the lease back after the work has returned with err. It reports whether the stage is
// still asked for: the work ended because the lease did.
func (l *Leases) release(ctx context.Context, h *hold, err error) (again bool) {
	l.mu.Lock()
	own := h.own
	h.place = placeReleasing
	lost := own.lost
	l.mu.Unlock()
	own.ended.Store(true)
	own.cancel(nil)
	var revision uint64
	failed := errors.New("the session is lost")
	if !lost {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRequest)
		defer cancel()
		if revision, failed = l.store.remove(ctx, h.stage, own.epoch); failed != nil {
			l.log.DebugContext(ctx, "lease not given back", "stage", h.stage, "error", failed)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.wake()
	if failed == nil {
		l.view.set(h.stage, leaseState{revision: revision})
	}
	h.place, h.turn, h.own = placeWaiting, turnUnknown, nil
	l.moves.count(own)
	return ctx.Err() == nil && own.givenUp(err)
}

// givenUp reports whether work ended with err because it had to, not by itself.
func (o *ownership) givenUp(err error) bool {
	switch {
	case o.lost, errors.Is(err, pipeline.ErrLeaseLost):
		return true
	case o.recalled:
		return err == nil || errors.Is(err, errRecalled) || errors.Is(err, context.Canceled)
	default:
		return false
	}
}

// lose ends the work on every stage of a session. Nobody else can have taken one yet.
func (l *Leases) lose(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.lost = true
	l.bus.fence.lose()
	s.deadline.Store(0)
	for _, h := range l.holds {
		if h.own != nil && h.own.session == s {
			h.own.lose()
		}
	}
	for own := range l.guests {
		if own.session == s {
			own.lose()
		}
	}
}
