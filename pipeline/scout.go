package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Under overload L1 is behind, and with it critical signals that stand in line with everything else. Then the
// scout, one stage in all, reads HAL9_L1 ahead of L1, passes over what is not critical and hands
// the rest up beside the queue. Who answers for a critical signal, the scout or L1, is told by its place in the stream:
// a range, kept in NATS, that begins behind everything that L1 had been given when the scout set out, and ends ahead
// of everything that was stored when it stopped.

// ScoutRange is where the scout answers for critical signals: from From on up to To, or without an end where To
// is 0. From 0 means nowhere.
type ScoutRange struct {
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Revision uint64 `json:"-"` // of what is kept; 0 where nothing is
}

// Holds reports whether a message lies in the range.
func (r ScoutRange) Holds(seq uint64) bool {
	return r.From > 0 && seq >= r.From && (r.To == 0 || seq <= r.To)
}

// Scouting keeps the range.
type Scouting interface {
	// Owns reports whether the scout answers for a stored message of HAL9_L1 that is critical.
	Owns(ctx context.Context, seq uint64) (bool, error)
	// Range returns the range as it is now, or as it was a moment ago.
	Range(ctx context.Context) (ScoutRange, error)
	// SetRange replaces the range whose Revision r carries and returns r with its own. It fails where another one was set in between.
	SetRange(ctx context.Context, r ScoutRange) (ScoutRange, error)
	// Ends says how far HAL9_L1 is.
	Ends(ctx context.Context) (Ends, error)
}

// Ends says how far HAL9_L1 is filled, and how far L1 is. Each includes the ones below.
type Ends struct {
	Last    uint64 // stored
	Given   uint64 // L1's processes were given it, now or before their consumer began anew
	Settled uint64 // L1 is done with it
}

// How the scout works.
const (
	scoutAt     = 500 * time.Millisecond // how far L1 must be behind for the scout to set out: it reads everything once more
	scoutFew    = 4096                   // messages that are no flood, however large: for them it sets out at scoutAtFew
	scoutAtFew  = 2 * time.Second
	scoutLook   = 100 * time.Millisecond // between looks whether it is needed
	scoutLag    = 100 * time.Millisecond // how old what it reads may be before L1 in the same process makes room for it
	scoutMargin = 20_000                 // messages between the end of the stream and the end of a range
	scoutLooks  = 1000                   // subjects of which it reads everything; where there are more it reads all of all
)

// Prefilter passes over messages without decoding them.
type Prefilter interface {
	// MaybeCritical reports whether a message may hold a critical signal.
	MaybeCritical(d *Delivery) bool
}

// scout works from one range to the next until ctx ends.
func (s *stage) scout(ctx, work context.Context) error {
	if err := s.load(ctx); err != nil { // It has no state.
		return err
	}
	s.opened()
	for ctx.Err() == nil {
		fresh, err := s.awaitRange(ctx)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		if fresh {
			s.worker.begin()
		}
		backlog, err := s.openSource(ctx)
		if err == nil {
			err = s.countLife(ctx, backlog)
		}
		if err == nil && !fresh && !s.sure {
			err = s.recall(ctx, backlog)
		}
		if err != nil {
			return unlessEnded(ctx, err)
		}
		err = s.turns(ctx, work, s.rangeOver())
		s.forget()
		if err != nil {
			return err
		}
		s.close()
		s.sure = true
	}
	return nil
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // It is the end of ctx that failed.
	}
	return err
}

// awaitRange returns when there is a range to work on, and places the scout in it. It says whether it is a new one: nobody can have been
// at work on that.
func (s *stage) awaitRange(ctx context.Context) (fresh bool, err error) {
	for {
		s.beat()
		r, err := s.deps.Scouting.Range(ctx)
		if err != nil {
			return false, err
		}
		if !r.Holds(s.nextIn(r)) && !s.cfg.InOrder && s.behindL1() > scoutAt {
			// The range is not read back: a server of a cluster may answer with the one before it.
			if r, fresh, err = s.setOut(ctx, r); err != nil {
				return false, err
			}
		}
		next := s.nextIn(r)
		if fresh {
			next = r.From
		}
		if r.Holds(next) {
			s.reach, s.checkpoint.Offset = r, next-1
			return fresh, nil
		}
		if err := Pause(ctx, scoutLook); err != nil {
			return false, err
		}
	}
}

// nextIn returns which message of a range is the next one.
func (s *stage) nextIn(r ScoutRange) uint64 { return max(s.checkpoint.Offset+1, r.From) }

// behindL1 returns how far L1 is behind.
func (s *stage) behindL1() time.Duration {
	return s.deps.Pressure.Behind(StageKey{Layer: s.key.Layer, Partitions: s.key.Partitions})
}

// setOut begins a range and returns it, unless only a few messages wait. Where L1 is still within the last range that one goes on: the scout
// has gone through it, and what lies behind its end is still before the scout, whoever else has been given some of it meanwhile.
func (s *stage) setOut(ctx context.Context, old ScoutRange) (r ScoutRange, fresh bool, err error) {
	ends, err := s.deps.Scouting.Ends(ctx)
	if err != nil || ends.Last < ends.Settled+scoutFew && s.behindL1() <= scoutAtFew {
		return old, false, err
	}
	if fresh = ends.Settled >= old.To; !fresh {
		r, err = s.reopen(ctx, old)
		return r, false, err
	}
	r, err = s.deps.Scouting.SetRange(ctx, ScoutRange{From: ends.beyond() + 1, Revision: old.Revision})
	if err == nil {
		s.deps.Log.WarnContext(ctx, "L1 is behind, critical signals overtake", "from", r.From)
	}
	return r, true, err
}

// reopen takes the end of a range back.
func (s *stage) reopen(ctx context.Context, old ScoutRange) (ScoutRange, error) {
	r, err := s.deps.Scouting.SetRange(ctx, ScoutRange{From: old.From, Revision: old.Revision})
	if err == nil {
		s.deps.Log.WarnContext(ctx, "L1 is behind again, critical signals go on overtaking", "from", r.From)
	}
	return r, err
}

// beyond returns up to where L1 may have come by the time at which all its processes have heard of a range that is set now: it must go through all that
// it has in its hands, and then through half as much. Whoever hears later makes a copy, which L2, L3 and the results' ids know. What is stored
// from now on is behind all that waits.
func (e Ends) beyond() uint64 {
	inHand := e.Given - min(e.Given, e.Settled)
	return min(max(e.Last, e.Given), e.Given+inHand/2)
}

// rangeOver returns a function that ends the range when L1 has caught up, and says when the scout has
// gone through it. Nobody else sets a range meanwhile, so nobody is asked: under overload an answer takes as long as everything does.
func (s *stage) rangeOver() func(ctx context.Context) (bool, error) {
	var looked time.Time
	return func(ctx context.Context) (bool, error) {
		now := s.deps.Now()
		if now.Sub(looked) < scoutLook {
			return false, nil
		}
		looked = now
		late := s.behindL1()
		switch ended := s.reach.To > 0; {
		case ended && s.checkpoint.Offset >= s.reach.To:
			return true, nil
		case ended && late > scoutAt && !s.cfg.InOrder:
			r, err := s.reopen(ctx, s.reach)
			if err == nil {
				s.reach = r
			}
			return false, err
		case !ended && (late < scoutAt/4 || s.cfg.InOrder):
			return false, s.endRange(ctx)
		default:
			return false, nil
		}
	}
}

// endRange sets the end ahead of everything that may be stored before every process knows. What L1 says of itself can be old: where much waits
// the range goes on.
func (s *stage) endRange(ctx context.Context) error {
	ends, err := s.deps.Scouting.Ends(ctx)
	if err != nil || ends.Last > ends.Given+scoutFew && !s.cfg.InOrder {
		return err
	}
	open := s.reach
	s.reach, err = s.deps.Scouting.SetRange(ctx, ScoutRange{From: open.From, To: ends.Last + scoutMargin, Revision: open.Revision})
	if err != nil {
		return err
	}
	if ends, err = s.deps.Scouting.Ends(ctx); err != nil {
		return err
	}
	if ends.Last+scoutMargin/2 > s.reach.To { // So much came meanwhile that somebody may have passed over something behind the end.
		s.reach, err = s.deps.Scouting.SetRange(ctx, ScoutRange{From: open.From, Revision: s.reach.Revision})
		return err
	}
	s.deps.Log.InfoContext(ctx, "L1 has caught up", "to", s.reach.To)
	return nil
}

// look decides a critical signal that the scout found; everything else is L1's, and so is all that lies behind the range.
func (w *layerWorker) look(ctx context.Context, d *Delivery, s *stage) error {
	if !s.reach.Holds(d.Seq) {
		return nil
	}
	_, near := w.near[d.Subject]
	near = near || len(w.near) >= scoutLooks
	if early, ok := w.decoder.(Prefilter); ok && !near && !early.MaybeCritical(d) {
		return nil
	}
	e, err := w.decoder.Decode(d)
	if err != nil {
		return nil //nolint:nilerr // L1 makes a dead letter of it.
	}
	if !isCritical(e) {
		if near { // It may tell that an alert is over.
			w.show(ctx, e)
		}
		return nil
	}
	if !near && w.show(ctx, e) {
		w.near[strings.Clone(d.Subject)] = struct{}{}
	}
	w.parcel = parcel{Envelope: *e, identity: identityOf(e.Source, e.ID), at: Position{Seq: d.Seq}}
	return w.one(ctx, d, s)
}

func isCritical(e *layers.Envelope) bool { return e.Severity == layers.SeverityCritical }

// passesOver reports whether the scout answers for a signal that L1 has before it.
func (w *layerWorker) passesOver(ctx context.Context, d *Delivery, e *layers.Envelope) (owns bool, err error) {
	if !w.key.Shared() || !isCritical(e) || w.deps.Scouting == nil {
		return false, nil
	}
	owns, err = w.deps.Scouting.Owns(ctx, d.Seq)
	if behind, ok := w.layer.(Behind); ok && owns && err == nil {
		defer w.caught(ctx, e)
		behind.Passes(e)
	}
	return owns, err
}
