package strategic

import (
	"errors"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Tracker measures the objectives over the stream of verdicts. Time is what the verdicts say:
// the windows end at the watermark, the latest time seen. All methods are safe for concurrent
// use; memory is fixed by the configuration.
type Tracker struct {
	measures []measure

	mu        sync.Mutex
	windows   []*window // as measures
	watermark int64     // the latest time seen, Unix milliseconds
	seen      bool      // any time at all
}

// The times that verdicts can have, years 1 to 9999, in Unix milliseconds.
const (
	earliest = -62_135_596_800 * 1000
	latest   = 253_402_300_799 * 1000
)

// NewTracker returns a tracker that has seen nothing, of the built-in objective where cfg has
// none. Its error names everything that is wrong with the objectives, their expressions included.
func NewTracker(cfg Config, compile layers.Compiler[layers.Verdict]) (*Tracker, error) {
	objectives := cfg.Objectives
	if len(objectives) == 0 {
		objectives = builtIn()
	}
	measures, err := compileObjectives(objectives, compile)
	if err := errors.Join(validateObjectives(objectives), err); err != nil {
		return nil, err
	}
	t := &Tracker{measures: measures}
	t.windows = t.emptyWindows()
	return t, nil
}

func (t *Tracker) emptyWindows() []*window {
	windows := make([]*window, len(t.measures))
	for i, m := range t.measures {
		windows[i] = newWindow(m.Window)
	}
	return windows
}

// Observe counts one verdict. It counts the same verdict again when it is given again: the
// caller keeps the place in the stream.
func (t *Tracker) Observe(v *layers.Verdict) {
	ms, ok := timeOf(v)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if ms > t.watermark || !t.seen {
		t.watermark, t.seen = ms, true
	}
	for i := range t.measures {
		m, w := &t.measures[i], t.windows[i]
		w.advance(t.watermark) // also where the verdict does not count: time passes for every objective
		if m.total(v) {
			w.add(ms, m.good(v))
		}
	}
}

// timeOf returns the time under which a verdict counts: its event time, but no later than
// the decision. Old data thus counts where it belongs (and falls out of the windows once newer
// has come), while one signal that claims to come from the far future cannot move the windows
// to where everything present is too old. ok is false where the verdict has no usable time.
func timeOf(v *layers.Verdict) (ms int64, ok bool) {
	at := v.EventTime
	if at.IsZero() || !v.DecidedAt.IsZero() && v.DecidedAt.Before(at) {
		at = v.DecidedAt
	}
	if seconds := at.Unix(); at.IsZero() || seconds < earliest/1000 || seconds >= latest/1000 {
		return 0, false // its milliseconds might not even fit
	}
	return at.UnixMilli(), true
}

// Reports says how each objective stands, in the order of the configuration.
func (t *Tracker) Reports() []Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	reports := make([]Report, len(t.measures))
	var watermark time.Time
	if t.seen {
		watermark = time.UnixMilli(t.watermark).UTC()
	}
	for i, m := range t.measures {
		w := t.windows[i]
		recent := w.recent()
		burn := w.sum.burnRate(m.Target)
		reports[i] = Report{
			Objective: m.Name, Description: m.Description, Target: m.Target, Window: m.Window,
			Good: w.sum.Good, Total: w.sum.Total, BudgetRemaining: 1 - burn, BurnRate: burn,
			RecentBurnRate: recent.burnRate(m.Target), RecentGood: recent.Good, RecentTotal: recent.Total,
			RecentWindow: 2 * time.Duration(w.width) * time.Millisecond,
			Late:         w.late, Watermark: watermark,
		}
	}
	return reports
}
