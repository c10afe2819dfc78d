package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How a stage that is told to stop tries again what JetStream does not answer.
const (
	stopTry   = 2 * time.Second        // for which one further try may take
	stopPause = 100 * time.Millisecond // between tries
)

// insist does what JetStream has to answer, and again while the stage stops and there is no answer: it has no further life that could make good
// for it, and a server that was away, or a leader that is being elected, is there again within the drain time mostly. again says
// that an earlier try may have been carried out.
func (s *stage) insist(ctx context.Context, do func(ctx context.Context, again bool) error) error {
	err := do(ctx, false)
	for s.mayTryAgain(ctx, err) {
		s.beat()
		s.deps.Log.DebugContext(ctx, "no answer while the stage stops, trying again", "stage", s.key.Name(), "error", err)
		if Pause(ctx, stopPause) != nil {
			return err
		}
		if s.left.Load() || !s.valid() {
			return ErrLeaseLost
		}
		try, cancel := context.WithTimeout(ctx, stopTry)
		err = do(try, true)
		cancel()
	}
	return err
}

// mayTryAgain reports whether err may pass by itself before the stage that stops must end.
func (s *stage) mayTryAgain(ctx context.Context, err error) bool {
	if err == nil || !s.stopping() || isOver(ctx) || layers.IsPermanent(err) {
		return false
	}
	_, full := errors.AsType[*FullError](err) // Who stores waits for room in any case.
	return !full && !errors.Is(err, ErrLeaseLost) && !errors.Is(err, errOverdue)
}

// stopping reports whether the stage was told to stop.
func (s *stage) stopping() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// unstored leaves out results that an earlier try stored after all. What climbs stays: whoever takes it knows its sender.
func (s *stage) unstored(ctx context.Context, records []Record, since time.Time) ([]Record, error) {
	stored, _, err := s.deps.Broker.Stored(ctx, s.key.Layer, nil, since.Add(-s.cfg.ReplayMargin))
	if err != nil {
		return nil, err
	}
	var left []Record
	for _, r := range records {
		if _, ok := stored[r.ID]; !ok || r.ID == "" {
			left = append(left, r)
		}
	}
	return left, nil
}
