package operational

import (
	"math"
	"time"
)

const (
	rateMinBuckets = 10   // before that a rate is only learnt
	rateSpan       = 1440 // intervals that a rate remembers: a day of minutes
	rateMinBurst   = 5    // fewer signals in an interval are never a burst
)

// rate is what is known about how often something happens: counts per interval of event time,
// empty intervals included.
type rate struct {
	bucket            int64   // the current interval: event time / its length
	current, previous float64 // counts of the current interval and the one before
	mean, deviation   mean    // of the finished intervals
	first             int64   // event time of the earliest signal, Unix seconds
	before            wont    // what signals of the interval before are judged by
	total             float64 // signals counted
	episode           episode
}

// wont is what is usual.
type wont struct {
	count    float64 // that bursts are measured against
	learning bool
}

// burst is what a rate says about one signal.
type burst struct {
	count    float64 // in the signal's interval, the signal included
	surprise float64
	news     bool
	learning bool
}

// observe counts a signal and judges the count. Seconds is its event time, length that of an
// interval in seconds.
func (r *rate) observe(length, seconds int64, reportFrom float64) burst {
	bucket := floorDiv(seconds, length)
	if r.total == 0 || r.bucket == math.MinInt64 {
		r.bucket = bucket
	}
	if r.total == 0 || seconds < r.first {
		r.first = seconds
	}
	r.total++
	r.advance(bucket)
	now := r.wont()
	var b burst
	if bucket < r.bucket {
		r.previous++
		b.count, now = r.previous, r.before
	} else {
		r.current++
		b.count = r.current
	}
	if b.learning = now.learning; b.learning || b.count < rateMinBurst {
		return b
	}
	b.surprise = poissonSurprise(b.count, now.count)
	b.news = r.episode.observe(b.surprise, reportFrom)
	return b
}

// usual is the count that bursts are measured against. Two typical deviations on top of the
// mean make room for senders that come in waves.
func (r *rate) usual() float64 { return max(r.mean.value+2*r.deviation.value, 0.1) }

func (r *rate) wont() wont { return wont{r.usual(), r.mean.count < rateMinBuckets} }

// isNew reports whether the series has begun no longer than so many seconds from an event time: in another order of arrival that signal
// might have been the first.
func (r *rate) isNew(seconds, within int64) bool {
	return r.total == 0 || max(seconds-r.first, r.first-seconds) <= within
}

// advance finishes the intervals before bucket. The one before it stays open for late signals.
func (r *rate) advance(bucket int64) {
	if bucket <= r.bucket {
		return
	}
	r.before = r.wont()
	passed := uint64(bucket) - uint64(r.bucket) // exact, however far apart they are
	r.bucket = bucket
	r.learn(r.previous)
	if passed == 1 {
		r.previous, r.current = r.current, 0
		return
	}
	r.learn(r.current)
	r.learnEmpty(passed - 2)
	r.previous, r.current = 0, 0
}

// rewind forgets where in time the rate was, for a sender whose time went back: what was
// counted is learnt, and the next signal starts an interval.
func (r *rate) rewind() {
	r.learn(r.current)
	r.previous, r.current, r.bucket = 0, 0, math.MinInt64
}

func (r *rate) learn(count float64) {
	if r.mean.count > 0 { // one burst does not excuse the next
		count = min(count, max(rateMinBurst, tailClip*r.usual()))
	}
	r.mean.learn(count, rateSpan)
	r.deviation.learn(math.Abs(count-r.mean.value), rateSpan)
}

// learnEmpty learns n empty intervals at once.
func (r *rate) learnEmpty(n uint64) {
	for ; n > 0 && r.mean.count < rateSpan; n-- {
		r.learn(0)
	}
	if n > 0 {
		keep := math.Pow(1-1.0/rateSpan, float64(n))
		r.deviation.value = r.deviation.value*keep + r.mean.value*keep*(1-keep)
		r.mean.value *= keep
	}
}

// explain says in people's words how often the message came.
func (r *rate) explain(b burst, length int64) string {
	within := number(b.count) + " within " + span(time.Duration(length)*time.Second)
	switch {
	case b.learning:
		return "nothing unusual in itself; still learning how often this message comes (" + within + ", " +
			number(r.mean.count) + " of " + number(rateMinBuckets) + " intervals seen)"
	case b.surprise > 0:
		return within + " of this message of this key, where " + between(0, math.Ceil(r.usual())) + " are usual (mean " + number(r.mean.value) + ")"
	default:
		return within + ", as usual for this message of this key (mean " + number(r.mean.value) + ")"
	}
}

func (r *rate) fields(visit func(*float64)) {
	visit(&r.current)
	visit(&r.previous)
	r.mean.fields(visit)
	r.deviation.fields(visit)
	visit(&r.total)
	r.episode.fields(visit)
}

// poissonSurprise is -log10 of Chernoff's bound of the probability of at least count events
// where mean are expected.
func poissonSurprise(count, mean float64) float64 {
	if count <= mean {
		return 0
	}
	return min((count*math.Log(count/mean)-count+mean)/math.Ln10, surpriseMax)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}
