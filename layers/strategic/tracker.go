package strategic

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Tracker measures objectives over the stream of verdicts, which carry what signals count, or over the stream of
// situations; over verdicts it keeps metrics, trends and HAL9's own performance, too. Time is what the verdicts say:
// the windows end at the watermark, the latest time seen. All methods are safe for concurrent
// use; memory is fixed by the configuration.
type Tracker struct {
	verdicts   []measure[layers.Verdict]
	situations []measure[layers.Situation]
	slots      []int          // of the measures above, in slos
	marks      map[string]int // of objectives over signals, in slos
	metered    map[string]int // marks of metrics, in meters

	mu        sync.Mutex
	slos      []*slo
	meters    []*meter
	book      *daybook
	history   *history
	watermark int64    // the latest time seen, Unix milliseconds
	seen      bool     // any time at all
	now       [2]int64 // event time and time of decision of the event at hand
	counted   []bool   // by it, or the time that it brought
	series    int      // bound of the daybook
}

// The times that verdicts can have, years 1 to 9999, in Unix milliseconds.
const (
	earliest = -62_135_596_800 * 1000
	latest   = 253_402_300_799 * 1000
)

// NewTracker returns a tracker of what is counted from verdicts, with the built-in objectives, that has seen nothing. Its error
// names everything that is wrong with the configuration, its expressions included.
func NewTracker(cfg Config, x Expressions) (*Tracker, error) {
	return newTracker(cfg, x, FromVerdicts, FromSignals)
}

// NewSituationTracker returns a tracker of the objectives over situations that has seen nothing.
func NewSituationTracker(cfg Config, x Expressions) (*Tracker, error) {
	return newTracker(cfg, x, FromSituations)
}

func newTracker(cfg Config, x Expressions, from ...string) (*Tracker, error) {
	if err := errors.Join(cfg.Validate(), compileAll(cfg, x)); err != nil {
		return nil, err
	}
	t := &Tracker{marks: map[string]int{}, metered: map[string]int{}, series: cfg.MaxSeries, book: newDaybook(cfg.MaxSeries), history: newHistory()}
	all := cfg.All()
	for _, o := range all {
		if !slices.Contains(from, o.from()) {
			continue
		}
		if o.from() == FromSignals {
			t.marks[o.mark()] = len(t.slos)
		} else {
			t.slots = append(t.slots, len(t.slos))
		}
		t.slos = append(t.slos, newSLO(o))
	}
	var wrong [2]error
	if from[0] == FromSituations {
		t.situations, wrong[0] = compileObjectives(all, FromSituations, x.Situation)
	} else {
		t.verdicts, wrong[1] = compileObjectives(all, FromVerdicts, x.Verdict)
		for i := range cfg.Metrics {
			m := newMeter(&cfg.Metrics[i])
			t.metered[m.mark] = len(t.meters)
			t.meters = append(t.meters, m)
		}
	}
	t.counted = make([]bool, len(t.slos))
	return t, errors.Join(wrong[:]...)
}

// Observe counts one verdict and returns the alerts that it sets off or ends. It counts the same verdict again when it is
// given again: the caller keeps the place in the stream. Verdicts on HAL9's own signals count for metrics alone.
func (t *Tracker) Observe(v *layers.Verdict) []layers.Signal {
	ms, ok := timeOf(v.EventTime, v.DecidedAt)
	if !ok {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range v.Marks {
		if at, ok := t.metered[v.Marks[i].Of]; ok {
			t.meters[at].add(v.Marks[i].Value, v.Marks[i].Labels, ms)
		}
	}
	if v.Source == OwnSource {
		return nil
	}
	decided, ok := timeOf(v.DecidedAt, v.DecidedAt)
	if !ok {
		decided = ms
	}
	t.pass(ms, decided)
	for i := range t.verdicts {
		if counts, good := t.verdicts[i].judge(v); counts {
			t.count(t.slots[i], good)
		}
	}
	for i := range v.Marks {
		if at, ok := t.marks[v.Marks[i].Of]; ok {
			t.count(at, v.Marks[i].Good)
		}
	}
	t.book.see(v, ms)
	t.history.each(decided, func(s *slot) { s.see(v) })
	return t.ring()
}

// ObserveSituation counts what was announced of a situation at a time, as Observe does verdicts. Situations about HAL9's own
// alerts do not count.
func (t *Tracker) ObserveSituation(s *layers.Situation, announced time.Time) []layers.Signal {
	at := s.UpdatedAt
	if !s.ClosedAt.IsZero() {
		at = s.ClosedAt
	}
	ms, ok := timeOf(at, announced)
	if !ok || strings.HasPrefix(s.Key, ownKey) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	decided, ok := timeOf(announced, announced)
	if !ok {
		decided = ms
	}
	t.pass(ms, decided)
	for i := range t.situations {
		if counts, good := t.situations[i].judge(s); counts {
			t.count(t.slots[i], good)
		}
	}
	return t.ring()
}

// pass lets time pass for every objective, also for those that count nothing. What it notes of the present event is what
// count counts it under.
func (t *Tracker) pass(event, decided int64) {
	t.now = [2]int64{event, decided}
	if event > t.watermark || !t.seen {
		t.watermark, t.seen = event, true
	}
	for i, s := range t.slos {
		t.counted[i] = s.pass(t.nowOf(s))
	}
}

func (t *Tracker) nowOf(s *slo) int64 {
	if s.byDecision() {
		return t.now[1]
	}
	return t.now[0]
}

func (t *Tracker) count(i int, good bool) {
	t.slos[i].count(t.nowOf(t.slos[i]), good)
	t.counted[i] = true
}

// ring asks the alerts of the objectives for which something may have changed.
func (t *Tracker) ring() (told []layers.Signal) {
	for i, s := range t.slos {
		if t.counted[i] {
			told = append(told, s.ring()...)
		}
	}
	return told
}

// timeOf returns the time under which something counts: its event time, but no later than
// the decision. Old data thus counts where it belongs (and falls out of the windows once newer
// has come), while one signal that claims to come from the far future cannot move the windows
// to where everything present is too old. ok is false where there is no usable time.
func timeOf(event, decided time.Time) (ms int64, ok bool) {
	at := event
	if at.IsZero() || !decided.IsZero() && decided.Before(at) {
		at = decided
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
	reports := make([]Report, len(t.slos))
	for i, s := range t.slos {
		reports[i] = s.report()
	}
	return reports
}

// Metrics returns what was counted of each metric, in the order of the configuration.
func (t *Tracker) Metrics() []MetricReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	reports := make([]MetricReport, len(t.meters))
	for i, m := range t.meters {
		reports[i] = m.report()
	}
	return reports
}
