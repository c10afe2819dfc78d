package pipeline

import (
	"context"
	"encoding/json"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// VerdictObserver keeps count over verdicts: L5's objectives.
type VerdictObserver interface {
	layers.Keeper
	Observe(v *layers.Verdict)
}

// verdictWorker hands verdicts to a VerdictObserver. Its checkpoint counts each verdict once.
type verdictWorker struct{ observer VerdictObserver }

// handle skips what is no verdict: anybody may publish to the subject, and a message that
// can't be counted must not stop the count.
func (w *verdictWorker) handle(_ context.Context, d *Delivery, _ *stage) error {
	var v layers.Verdict
	if err := json.Unmarshal(d.Data, &v); err != nil {
		return nil //nolint:nilerr // See above.
	}
	w.observer.Observe(&v)
	return nil
}

func (w *verdictWorker) tick(time.Time) ([]Record, error) { return nil, nil }

func (w *verdictWorker) waiting() bool { return false }

func (w *verdictWorker) snapshot() (state []byte, keeps bool, err error) {
	state, err = w.observer.Snapshot()
	return state, true, err
}

func (w *verdictWorker) restore(state []byte) error { return w.observer.Restore(state) }
