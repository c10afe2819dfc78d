package policy

import "time"

// sample is what one reading says about flow.
type sample struct {
	at                time.Time
	arrived, finished uint64
	waiting           uint64
	replicas, busy    int
	full              bool // the layer below waited, so there was always something to do
	held              bool
}

// How long flow is looked at.
const (
	recent      = 5 * time.Second  // what counts as now
	measureTime = 4 * time.Second  // least time over which a rate is measured
	measureMost = 15 * time.Second // beyond which it is too old to count
	warmTime    = 3 * time.Second  // in which replicas that have just come take over their share
	samplesMost = 4096
)

// flow remembers samples for as long as a drain time, and knows rates from them.
type flow struct {
	keep    time.Duration
	samples []sample
	before  float64 // signals/s that are taken to have come before the first sample
}

// add takes in a reading. Counters that fall, or a clock that goes back, begin it anew.
func (f *flow) add(now time.Time, r *Reading) {
	if n := len(f.samples); n > 0 {
		last := &f.samples[n-1]
		if r.Arrived < last.arrived || r.Finished < last.finished || !now.After(last.at) {
			f.before, f.samples = f.arrival(f.keep), f.samples[:0]
		}
	}
	f.samples = append(f.samples, sample{
		at: now, arrived: r.Arrived, finished: r.Finished, waiting: r.Waiting, replicas: r.Replicas, busy: r.Busy,
		full: r.Crowded, held: r.HeldBack,
	})
	first := 0 // One sample from before the window stays, so that the window is full.
	for first+1 < len(f.samples) && now.Sub(f.samples[first+1].at) >= f.keep || len(f.samples)-first > samplesMost {
		first++
	}
	f.samples = append(f.samples[:0], f.samples[first:]...)
}

// since returns the last sample that is at least so old, or the oldest; ok is false where it is the only one.
func (f *flow) since(age time.Duration) (s sample, span time.Duration, ok bool) {
	now := f.samples[len(f.samples)-1].at
	at := 0
	for at+1 < len(f.samples)-1 && now.Sub(f.samples[at+1].at) >= age {
		at++
	}
	s = f.samples[at]
	return s, now.Sub(s.at), len(f.samples) > 1
}

// span returns how long has been looked at.
func (f *flow) span() time.Duration { return f.samples[len(f.samples)-1].at.Sub(f.samples[0].at) }

// arrival returns signals/s over a time. A burst counts as spread over all of it: it is no stream.
func (f *flow) arrival(over time.Duration) float64 {
	s, span, ok := f.since(over)
	if !ok {
		return f.before
	}
	came := float64(f.samples[len(f.samples)-1].arrived - s.arrived)
	unseen := max(0, over-span).Seconds()
	return (came + unseen*f.before) / max(span, over).Seconds()
}

// finished returns signals/s over the last time that counts as now.
func (f *flow) finished() float64 {
	s, span, ok := f.since(recent)
	if !ok {
		return 0
	}
	return float64(f.samples[len(f.samples)-1].finished-s.finished) / span.Seconds()
}

// steady returns signals/s that have come all the time for so long, 0 where it was not looked at for so long. What comes for less
// may be the one burst that it looks like.
func (f *flow) steady(over time.Duration) float64 {
	last := len(f.samples) - 1
	least, known := 0.0, false
	for end := last; end > 0; {
		begin := end - 1
		for begin > 0 && f.samples[end].at.Sub(f.samples[begin].at) < recent {
			begin--
		}
		span := f.samples[end].at.Sub(f.samples[begin].at)
		if span < recent {
			break
		}
		rate := float64(f.samples[end].arrived-f.samples[begin].arrived) / span.Seconds()
		if !known || rate < least {
			least, known = rate, true
		}
		if end = begin; f.samples[last].at.Sub(f.samples[end].at) >= over {
			return least
		}
	}
	return 0
}

// throughput is what replicas finish together.
type throughput struct {
	total    float64 // signals/s
	replicas int
	busy     int // partitions with unfinished signals, the most that there were meanwhile; 0 where that is not known
}

// measured returns what replicas finish that are as many as now and not held back; ok is false where that can't be said. With busy
// set, it is what they finish while they have enough to do, all the time.
func (f *flow) measured(busy bool) (done throughput, ok bool) {
	last := f.samples[len(f.samples)-1]
	first, changed := len(f.samples), false
	for at := first - 1; at >= 0; at-- {
		s := &f.samples[at]
		if changed = s.replicas != last.replicas; changed || s.held || last.at.Sub(s.at) > measureMost || busy && s.waiting == 0 && !s.full {
			break
		}
		first = at
	}
	if first == len(f.samples) || last.replicas == 0 {
		return done, false
	}
	for begin := f.samples[first].at; changed && first < len(f.samples)-1 && f.samples[first].at.Sub(begin) < warmTime; {
		first++
	}
	span := last.at.Sub(f.samples[first].at)
	if span < measureTime {
		return done, false
	}
	done.total, done.replicas = float64(last.finished-f.samples[first].finished)/span.Seconds(), last.replicas
	for _, s := range f.samples[first:] {
		// A backlog of less than a second's work may be signals on their way to replicas that are idle.
		if busy && !s.full && float64(s.waiting) < done.total {
			return done, false
		}
		done.busy = max(done.busy, s.busy)
	}
	return done, true
}

// stalled returns for how long nothing has been finished, though there was something to do, somebody to do it, and no next layer that held them back.
func (f *flow) stalled() time.Duration {
	last := len(f.samples) - 1
	at := last
	for at > 0 {
		s := &f.samples[at-1]
		if s.finished != f.samples[last].finished || s.waiting == 0 && !s.full || s.held || s.replicas == 0 {
			break
		}
		at--
	}
	return f.samples[last].at.Sub(f.samples[at].at)
}

// loaded returns since when there has been something to do all the time.
func (f *flow) loaded() time.Duration {
	last := len(f.samples) - 1
	at := last
	for at > 0 && (f.samples[at-1].waiting > 0 || f.samples[at-1].full) {
		at--
	}
	return f.samples[last].at.Sub(f.samples[at].at)
}
