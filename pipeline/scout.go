package pipeline

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Under overload L1 is behind, and with it critical signals that stand in line with everything else. Then the
// scout, one stage in all, reads HAL9_L1 from its end on, passes over what is not critical and hands
// the rest up beside the queue. Who answers for a critical signal, the scout or L1, is told by its place in the stream:
// a range, kept in NATS, that begins behind everything that was stored when the scout set out, and ends ahead
// of everything that was stored when it stopped.

// ScoutRange is where the scout answers for critical signals: from From on up to To, or without an end where To
// is 0. From 0 means nowhere.
type ScoutRange struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// Holds reports whether a message lies in the range.
func (r ScoutRange) Holds(seq uint64) bool {
	return r.From > 0 && seq >= r.From && (r.To == 0 || seq <= r.To)
}

// Scouting keeps the range.
type Scouting interface {
	// Owns reports whether the scout answers for a stored message of HAL9_L1 that is critical.
	Owns(ctx context.Context, seq uint64) (bool, error)
	// Range returns the range as it is now, and SetRange replaces it.
	Range(ctx context.Context) (ScoutRange, error)
	SetRange(ctx context.Context, r ScoutRange) error
	// Ends returns the last sequence of HAL9_L1 and up to where L1 has settled it.
	Ends(ctx context.Context) (last, settled uint64, err error)
}

// How the scout works.
const (
	scoutAt     = 500 * time.Millisecond // how far L1 must be behind for the scout to set out: it reads everything once more
	scoutFew    = 4096                   // messages that are no flood, however large: for them it sets out at scoutAtFew
	scoutAtFew  = 2 * time.Second
	scoutLook   = 100 * time.Millisecond // between looks whether it is needed
	scoutNotice = 250 * time.Millisecond // between the news of a range and the first signal handed up; who hears later makes a copy, which L2, L3 and the results' ids know
	scoutLag    = 100 * time.Millisecond // how old what it reads may be before L1 in the same process makes room for it
	scoutMargin = 20_000                 // messages between the end of the stream and the end of a range
)

// Prefilter passes over messages without decoding them.
type Prefilter interface {
	// MaybeCritical reports whether a message may hold a critical signal.
	MaybeCritical(d *Delivery) bool
}

// scout works from one range to the next until ctx ends.
func (s *stage) scout(ctx, work context.Context) error {
	if _, err := s.restore(ctx); err != nil {
		return err
	}
	s.opened()
	for ctx.Err() == nil {
		told, err := s.awaitRange(ctx)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		backlog, err := s.openSource(ctx)
		if err == nil && told.IsZero() { // Nobody can have been at work on a range that was told of just now.
			err = s.recall(ctx, 0, backlog)
		}
		if err != nil {
			return unlessEnded(ctx, err)
		}
		if err := Pause(ctx, told.Add(scoutNotice).Sub(s.deps.Now())); err != nil { // What is to be read comes in meanwhile.
			return unlessEnded(ctx, err)
		}
		err = s.turns(ctx, work, s.rangeOver())
		s.forget()
		if err != nil {
			return err
		}
		s.close()
	}
	return nil
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // It is the end of ctx that failed.
	}
	return err
}

// awaitRange returns when there is a range to work on, and places the scout in it. It says when it told the others of
// the range; that is the zero time where it did not.
func (s *stage) awaitRange(ctx context.Context) (told time.Time, err error) {
	for {
		s.beat()
		r, err := s.deps.Scouting.Range(ctx)
		if err != nil {
			return told, err
		}
		if next := max(s.checkpoint.Offset+1, r.From); r.Holds(next) {
			s.checkpoint.Offset = next - 1
			return told, nil
		}
		if !s.cfg.InOrder && s.behindL1() > scoutAt {
			// The range is not read back: a server of a cluster may answer with the one before it.
			begun, err := s.setOut(ctx, r)
			if err != nil {
				return told, err
			}
			if begun.From > 0 {
				s.checkpoint.Offset = begun.From - 1
				return s.deps.Now(), nil
			}
		}
		if err := Pause(ctx, scoutLook); err != nil {
			return told, err
		}
	}
}

// behindL1 returns how far L1 is behind.
func (s *stage) behindL1() time.Duration {
	return s.deps.Pressure.Behind(StageKey{Layer: s.key.Layer, Partitions: s.key.Partitions})
}

// setOut begins a range and returns it, unless L1 is still within the last one or only a few messages wait.
func (s *stage) setOut(ctx context.Context, old ScoutRange) (begun ScoutRange, err error) {
	last, settled, err := s.deps.Scouting.Ends(ctx)
	if err != nil || settled < old.To || last < settled+scoutFew && s.behindL1() <= scoutAtFew {
		return ScoutRange{}, err
	}
	begun.From = last + 1
	if err := s.deps.Scouting.SetRange(ctx, begun); err != nil {
		return ScoutRange{}, err
	}
	s.deps.Log.WarnContext(ctx, "L1 is behind, critical signals overtake", "from", begun.From)
	return begun, nil
}

// rangeOver returns a function that ends the range when L1 has caught up, and says when the scout has
// gone through it.
func (s *stage) rangeOver() func(ctx context.Context) (bool, error) {
	var looked time.Time
	return func(ctx context.Context) (bool, error) {
		now := s.deps.Now()
		if now.Sub(looked) < scoutLook {
			return false, nil
		}
		looked = now
		r, err := s.deps.Scouting.Range(ctx)
		if err != nil {
			return false, err
		}
		switch {
		case r.To > 0 && s.checkpoint.Offset >= r.To:
			return true, nil
		case r.To == 0 && (s.cfg.InOrder || s.behindL1() < scoutAt/4):
			return false, s.endRange(ctx, r)
		default:
			return false, nil
		}
	}
}

// endRange sets the end ahead of everything that may be stored before every process knows.
func (s *stage) endRange(ctx context.Context, r ScoutRange) error {
	last, _, err := s.deps.Scouting.Ends(ctx)
	if err != nil {
		return err
	}
	r.To = last + scoutMargin
	if err := s.deps.Scouting.SetRange(ctx, r); err != nil {
		return err
	}
	if last, _, err = s.deps.Scouting.Ends(ctx); err != nil {
		return err
	}
	if last+scoutMargin/2 > r.To { // So much came meanwhile that somebody may have passed over something behind the end.
		return s.deps.Scouting.SetRange(ctx, ScoutRange{From: r.From})
	}
	s.deps.Log.InfoContext(ctx, "L1 has caught up", "to", r.To)
	return nil
}

// look decides a critical signal that the scout found; everything else is L1's.
func (w *layerWorker) look(ctx context.Context, d *Delivery, s *stage) error {
	if early, ok := w.decoder.(Prefilter); ok && !early.MaybeCritical(d) {
		return nil
	}
	e, err := w.decoder.Decode(d)
	if err != nil || !isCritical(e) {
		return nil //nolint:nilerr // L1 makes a dead letter of it.
	}
	w.parcel = parcel{Envelope: *e, identity: identityOf(e.Source, e.ID), at: Position{Seq: d.Seq}}
	return w.one(ctx, d, s)
}

func isCritical(e *layers.Envelope) bool { return e.Severity == layers.SeverityCritical }

// passesOver reports whether the scout answers for a signal that L1 has before it.
func (w *layerWorker) passesOver(ctx context.Context, d *Delivery, e *layers.Envelope) (bool, error) {
	if !w.key.Shared() || !isCritical(e) || w.deps.Scouting == nil {
		return false, nil
	}
	return w.deps.Scouting.Owns(ctx, d.Seq)
}
