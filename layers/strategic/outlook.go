package strategic

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Outlook is the long view: HAL9's own performance over time, and what changed about keys.
type Outlook struct {
	Minutes []Period  `json:"minutes"` // the last 60 with signals in them, the oldest first
	Hours   []Period  `json:"hours"`   // the last 168
	Days    []Period  `json:"days"`    // the last 90
	Changes []Change  `json:"changes"` // the largest first, at most 100
	Series  int       `json:"series"`  // of which trends are kept
	At      time.Time `json:"at,omitzero"`
}

// Period is what HAL9 did within a minute, an hour or a day.
type Period struct {
	Begin      time.Time                     `json:"begin"`
	Seconds    int                           `json:"seconds"`
	Signals    uint64                        `json:"signals"`
	PerSecond  float64                       `json:"per_second"`
	Dead       uint64                        `json:"dead"`
	LatencyP50 int64                         `json:"latency_p50_us"` // from receipt to verdict
	LatencyP99 int64                         `json:"latency_p99_us"`
	Layers     map[layers.Name]PeriodOfLayer `json:"layers"`
	Budgets    map[string]float64            `json:"budgets,omitempty"` // what was left at its end, by objective
}

// PeriodOfLayer is what one layer did.
type PeriodOfLayer struct {
	In          uint64  `json:"in"`
	Out         uint64  `json:"out"`
	Compression float64 `json:"compression"` // in / out; 0 where nothing went out
	WaitP50     int64   `json:"wait_p50_us"`
	WaitP99     int64   `json:"wait_p99_us"`
	ProcessP50  int64   `json:"process_p50_us"`
	ProcessP99  int64   `json:"process_p99_us"`
	Depth       uint64  `json:"depth"` // of its queue, the deepest that was seen
}

// maxChanges bounds how many changes are told.
const maxChanges = 100

// Outlook returns the long view. What takes long it does without holding up the count.
func (t *Tracker) Outlook() Outlook {
	o, entries, today := t.look()
	for i := range entries {
		o.Changes = append(o.Changes, entries[i].changes(today)...)
	}
	t.keep(entries)
	slices.SortFunc(o.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Shift, a.Shift), cmp.Compare(a.Key, b.Key), cmp.Compare(a.What, b.What), cmp.Compare(a.Of, b.Of), a.Since.Compare(b.Since))
	})
	o.Changes = o.Changes[:min(len(o.Changes), maxChanges)]
	return o
}

// keep notes what was found about copies, so that it is searched for once a day.
func (t *Tracker) keep(entries []entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range entries {
		if element, ok := t.book.byKey[[2]string{entries[i].Key, entries[i].Of}]; ok {
			element.Value.(*entry).found = entries[i].found // A signal that came late meanwhile has it searched for again.
		}
	}
}

// look copies what the long view is made from.
func (t *Tracker) look() (o Outlook, entries []entry, today int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.Changes = []Change{}
	if t.seen {
		o.At = time.UnixMilli(t.watermark).UTC()
	}
	for i, into := range []*[]Period{&o.Minutes, &o.Hours, &o.Days} {
		*into = t.history.tracks[i].periods()
	}
	for element := t.book.order.Front(); element != nil; element = element.Next() {
		e := *element.Value.(*entry)
		e.N, e.Sum = slices.Clone(e.N), slices.Clone(e.Sum)
		entries = append(entries, e)
	}
	o.Series = len(entries)
	return o, entries, floorDiv(t.watermark, dayMS)
}

// ChangesOf returns what changed about the signals of a key, the latest change first.
func (t *Tracker) ChangesOf(key string) []Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Change
	key = clip(key, maxKeyBytes)
	today := floorDiv(t.watermark, dayMS)
	if element, ok := t.book.byKey[[2]string{key, ""}]; ok {
		all = slices.Clone(element.Value.(*entry).changes(today))
	}
	slices.SortStableFunc(all, func(a, b Change) int { return b.Since.Compare(a.Since) })
	return all
}

// Sample notes how deep the layers' queues are, and how the error budgets stand, at a time of the clock. What it notes is
// shown and decides nothing.
func (t *Tracker) Sample(now time.Time, depth map[layers.Name]uint64, reports []Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.history.each(now.UnixMilli(), func(s *slot) {
		for layer, n := range depth {
			if layer >= layers.NameL1 && layer <= layers.NameL5 {
				s.Depth[layer-1] = max(s.Depth[layer-1], n)
			}
		}
		if s.Budgets == nil {
			s.Budgets = map[string]float64{}
		}
		for i := range reports {
			s.Budgets[reports[i].Objective] = reports[i].BudgetRemaining
		}
	})
}

func (t *track) periods() []Period {
	list := make([]Period, 0, len(t.slots))
	for _, s := range t.slots {
		seconds := int(t.width / 1000)
		p := Period{
			Begin: time.UnixMilli(s.Number * t.width).UTC(), Seconds: seconds, Signals: s.Signals, Dead: s.Dead,
			PerSecond: float64(s.Signals) / float64(seconds), LatencyP50: s.Total.quantile(.5), LatencyP99: s.Total.quantile(.99),
			Layers: map[layers.Name]PeriodOfLayer{}, Budgets: map[string]float64{},
		}
		maps.Copy(p.Budgets, s.Budgets)
		for i, l := range s.Layers {
			of := PeriodOfLayer{Depth: s.Depth[i]}
			if l != nil {
				of.In, of.Out = l.In, l.In-l.Final
				of.WaitP50, of.WaitP99 = l.Wait.quantile(.5), l.Wait.quantile(.99)
				of.ProcessP50, of.ProcessP99 = l.Process.quantile(.5), l.Process.quantile(.99)
			}
			if of.Out > 0 {
				of.Compression = float64(of.In) / float64(of.Out)
			}
			p.Layers[layers.Name(i+1)] = of
		}
		list = append(list, p)
	}
	return list
}
