package pipeline

import (
	"context"
	"errors"
	"fmt"
)

// livesBefore is how many lives of a stage may end at one place before the stage writes tries down there.
const livesBefore = 2

// deliveriesBefore is how often the broker may deliver a message to a shared stage before it is careful.
const deliveriesBefore = 5

// cautionSignals is how many signals a careful stage decides between two notes of where it is.
const cautionSignals = 256

// A signal can take the whole process with it: a layer that runs out of memory, or that hangs and is
// restarted from outside. No recover helps there. So a stage counts its lives that began at one
// place. From the second on it notes where it is, every so many signals, up to where its forerunners may have
// been. The next life knows from that where its forerunner ended, and there it writes down before each signal that it
// tries it: the try that is never struck out again was the last thing a process did. A signal with too many of those
// becomes a dead letter untried.

// caution is how a stage makes its way where its forerunners ended.
type caution struct {
	lives   int      // in a row that began at the same place, this one included; 0 where it began with nothing to do
	suspect Position // where the forerunner was last; zero where that is not known, or behind the stage
	single  int      // signals for which tries are still to be written down
	unnoted int      // signals until the next note
}

// careful reports whether a try must be written down for a signal, and notes where the stage is.
func (s *stage) careful(ctx context.Context, d *Delivery, at Position) (bool, error) {
	if s.key.Shared() && d.Attempt > deliveriesBefore {
		return true, nil
	}
	c := &s.caution
	if c.lives < livesBefore || d.Seq > s.replay.horizon {
		return false, nil
	}
	if c.suspect.Seq > 0 && !c.suspect.After(at) {
		c.suspect, c.single, c.unnoted = Position{}, cautionSignals, 0
	}
	if c.unnoted == 0 {
		if err := s.deps.Checkpoints.SetPlace(ctx, s.key.Name(), at); err != nil {
			return false, err
		}
		c.unnoted = cautionSignals
	}
	c.unnoted--
	if c.single == 0 {
		return false, nil
	}
	c.single--
	return true, nil
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
	failed := s.deps.Checkpoints.SetPlace(ctx, s.key.Name(), at)
	tries := 0
	if failed == nil {
		tries, failed = s.deps.Checkpoints.Tries(ctx, s.key.Name(), at)
	}
	if failed == nil {
		failed = s.deps.Checkpoints.SetTries(ctx, s.key.Name(), at, tries+1)
	}
	return errors.Join(err, failed)
}

// countLife counts a life that begins with a backlog, where an earlier one may have failed.
func (s *stage) countLife(ctx context.Context, backlog Backlog) (err error) {
	s.caution = caution{}
	if backlog.Empty {
		return nil
	}
	if s.caution.lives, err = s.deps.Checkpoints.Lives(ctx, s.key.Name(), backlog.First); err != nil || s.caution.lives <= livesBefore {
		return err
	}
	place, err := s.deps.Checkpoints.Place(ctx, s.key.Name())
	if place.Seq >= backlog.First { // Else it is from another time.
		s.caution.suspect = place
	}
	return err
}
