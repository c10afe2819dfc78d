package operational

import (
	"cmp"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

const (
	recentMax    = 64      // samples of one series that wait, at most
	recentFew    = 4       // and where in all series more than recentsInAll do
	recentsInAll = 200_000 // so that what waits stays small beside the baselines
	disorderNew  = 100     // a series that came in order for so many samples is held to do so,
	disorderSpan = 1000    // and one that did not, after so many
	mixedClear   = 1.3     // so many times the surprise that is flagged is clear without its neighbours
)

// timeline is a numeric series that learns in the order of event time, whatever the order of arrival: samples that may still get an older
// neighbour wait. Each is judged at once all the same, and again when it is learnt.
//
// Where samples come out of order, the neighbours of one are not known when it comes. It is judged by where its value lies then, and what
// its neighbours say (a jump, a restless time) follows when it is learnt. Where they come in order all is said at once, and after a while
// nothing waits.
type timeline struct {
	learnt  baseline
	newest  time.Time // event time of what is learnt
	recent  []recent  // what waits, in the order of event time, of equal ones by value
	ordered int       // samples in a row that came in order
	mixed   bool      // lately some did not
}

// recent is a sample that waits.
type recent struct {
	at       time.Time
	id       string
	severity layers.Severity
	value    float64
	looks    int     // among how many numbers of its signal it is judged
	anomaly  float64 // where it was flagged, else 0
}

// draft is room for a copy of a baseline.
type draft struct {
	baseline
	days   daily
	events [recordsKept]event
}

func (d *draft) copy(b *baseline) *baseline {
	d.baseline = *b
	d.first = slices.Clip(b.first)
	d.record.events = append(d.events[:0], b.record.events...)
	if b.daily != nil {
		d.days, d.daily = *b.daily, &d.days
	}
	return &d.baseline
}

// samples is how many the series has seen.
func (t *timeline) samples() float64 { return t.learnt.samples + float64(len(t.recent)) }

// pass takes note of the order in which samples come, and reports whether any wait.
func (t *timeline) pass(at time.Time) bool {
	last := t.newest
	if n := len(t.recent); n > 0 {
		last = t.recent[n-1].at
	}
	t.ordered++
	if at.Before(last) {
		t.ordered, t.mixed = 0, true
	}
	if t.mixed && t.ordered >= disorderSpan {
		t.mixed = false
	}
	return t.mixed || t.ordered < disorderNew
}

// next takes out the first that waits, where it is older than a time or as many as most wait.
func (t *timeline) next(before time.Time, most int) (r recent, ok bool) {
	if len(t.recent) == 0 || !t.recent[0].at.Before(before) && len(t.recent) < most {
		return recent{}, false
	}
	r = t.recent[0]
	t.recent = slices.Delete(t.recent, 0, 1)
	return r, true
}

// learn learns a sample, and says what it is.
func (t *timeline) learn(value float64, at time.Time, reportFrom float64) finding {
	inOrder := !at.Before(t.newest)
	if inOrder {
		t.newest = at
	}
	return t.learnt.observe(value, at.Unix(), inOrder, reportFrom)
}

// add has a sample wait, and returns its place.
func (t *timeline) add(r recent) *recent {
	i, _ := slices.BinarySearchFunc(t.recent, r, func(a, b recent) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.value, b.value), -1) // behind those that are equal
	})
	t.recent = slices.Insert(t.recent, i, r)
	return &t.recent[i]
}

// judge says what a sample that waits is, by what is known of those before it.
func (t *timeline) judge(r *recent, scratch *draft, reportFrom float64) finding {
	b := scratch.copy(&t.learnt)
	for i := range t.recent {
		older := &t.recent[i]
		switch {
		case older == r:
			return b.observe(r.value, r.at.Unix(), !t.mixed, reportFrom)
		case !t.mixed:
			b.observe(older.value, older.at.Unix(), true, reportFrom)
		case older.anomaly > 0:
			b.episode.observe(surpriseOf(older.anomaly), reportFrom)
		}
	}
	return finding{}
}

// rewind is for a sender whose time went back.
func (t *timeline) rewind(reportFrom float64) {
	for _, r := range t.recent {
		t.learn(r.value, r.at, reportFrom)
	}
	t.recent, t.newest = nil, time.Time{}
	t.learnt.rewind()
}
