package pipeline

import (
	"context"
	"errors"
	"fmt"
)

// livesBefore is how many lives of a stage may end at one place before the stage becomes careful there.
const livesBefore = 2

// deliveriesBefore is how often the broker may deliver a message to a shared stage before it is careful.
const deliveriesBefore = 3

// A signal can take the whole process with it: a layer that runs out of memory, or that hangs and is
// restarted from outside. No recover helps there. So a stage counts its lives that began at one
// place. Where there are too many it writes down, before each signal up to where its forerunners may have
// been, that it tries it: the try that is never struck out again was the last thing a process did. A
// signal with too many of those becomes a dead letter untried.

// careful reports whether tries are written down for a delivery.
func (s *stage) careful(d *Delivery) bool {
	if s.lives > livesBefore && d.Seq <= s.replay.horizon {
		return true
	}
	return s.key.Shared() && d.Attempt > deliveriesBefore
}

// fatalError is why a signal is not tried again.
type fatalError struct{ tries int }

func (e *fatalError) Error() string {
	return fmt.Sprintf("pipeline: the process hung or did not survive when it decided this signal, %d times", e.tries)
}

// try writes down that a signal is tried. The error is a *fatalError where that was done too often.
func (s *stage) try(ctx context.Context, at Position) error {
	tries, err := s.deps.Checkpoints.Tries(ctx, s.key.Name(), at)
	if err != nil {
		return err
	}
	if tries >= s.cfg.MaxAttempts {
		return &fatalError{tries}
	}
	s.noted.Store(true)
	return s.deps.Checkpoints.SetTries(ctx, s.key.Name(), at, tries+1)
}

// survived strikes a try out.
func (s *stage) survived(ctx context.Context, at Position) error {
	s.noted.Store(false)
	return s.deps.Checkpoints.SetTries(ctx, s.key.Name(), at, 0)
}

// hangs leaves the stage behind and notes the try, so that the next life knows.
func (s *stage) hangs(ctx context.Context, at Position) error {
	s.leave()
	err := fmt.Errorf("pipeline: layer %s hangs at message %d: left behind", s.key.Layer, at.Seq)
	if s.noted.Load() {
		return err
	}
	tries, failed := s.deps.Checkpoints.Tries(ctx, s.key.Name(), at)
	if failed == nil {
		failed = s.deps.Checkpoints.SetTries(ctx, s.key.Name(), at, tries+1)
	}
	return errors.Join(err, failed)
}

// countLife counts a life that begins with a backlog, where an earlier one may have failed.
func (s *stage) countLife(ctx context.Context, backlog Backlog) (err error) {
	if backlog.Empty {
		return nil
	}
	s.lives, err = s.deps.Checkpoints.Lives(ctx, s.key.Name(), backlog.First)
	return err
}
