package pipeline

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Tally keeps count over results: L5's objectives, over verdicts or situations.
type Tally interface {
	layers.Keeper
	// Count counts what one message says and returns what is to be told on account of it, under ids that are made from
	// the cause. A message that says nothing to it must not stop the count: anybody may publish to the subject.
	Count(d *Delivery) ([]Record, error)
}

// tallyWorker hands messages to a Tally. Its checkpoint counts each message once.
type tallyWorker struct{ tally Tally }

func (w *tallyWorker) handle(_ context.Context, d *Delivery, s *stage) error {
	s.giveWay()
	records, err := w.tally.Count(d)
	s.out.list = append(s.out.list, s.replay.missing(d, records)...)
	return err
}

func (w *tallyWorker) tick(time.Time) ([]Record, error) { return nil, nil }

func (w *tallyWorker) waiting() bool { return false }

func (w *tallyWorker) begin() {}

func (w *tallyWorker) snapshot() (state []byte, keeps bool, err error) {
	state, err = w.tally.Snapshot()
	return state, true, err
}

func (w *tallyWorker) restore(state []byte) error { return w.tally.Restore(state) }
