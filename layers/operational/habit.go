package operational

import "math"

const (
	habitGaps      = 30           // gaps before silence means anything
	habitSurprise  = 6            // silence is news where one gap in a million is as long
	habitFloor     = 0.1          // the smallest excess that counts, as a logarithm
	habitLonger    = 1.5          // and where it is so much longer than the longest gap,
	habitLongerMax = 12 * 60      // but no more than so many intervals longer
	habitLongest   = 7 * 24 * 60  // what would have to be silent for longer has no habit
	habitTrust     = 5            // gaps that the first guess of the excess is worth
	habitFar       = 4            // silence so much longer than the longest of many gaps is news in any case,
	habitMany      = 100          // which are so many
	habitForget    = 1.0 / 1000   // by which the longest gap is forgotten with each gap
	habitRaw       = 2            // and its silence is twice the usual gap, whatever happens around it
	activeHours    = 8 * dayHours // hours of which is known whether something came
	activeWords    = activeHours / 64
	habitPatience  = 10 // intervals until a quiet hour may be over
	activeOften    = 30 // what comes less often than every so many intervals keeps no hours
)

// habit is what is known about how regularly something comes: the gaps between its signals, in intervals in which what it is a
// part of was heard (see activity). A gap within one interval is none.
type habit struct {
	last    int64   // the whole's count when it came last
	lastAt  int64   // the newest interval in which it came
	gaps    float64 // learnt
	tail    tail    // of the gaps, as logarithms
	longest float64 // gap, forgotten slowly
	usual   mean    // gap in event time, intervals
	hours   [activeWords]uint64
	hour    int64 // the newest hour in which it came
	since   int64 // the first one
	due     int64 // the whole's count from which on its silence is news; 0 where it has no habit, or is known to be silent
	silence *silence
}

// silence is an absence that was found; nobody was told where it has no id.
type silence struct{ id, source, key string }

// newHabit begins with a first signal.
func newHabit(whole int64, at moment) *habit {
	h := &habit{last: whole, lastAt: at.bucket, hour: at.hour, since: at.hour}
	h.hours[hourWord(at.hour)] |= hourBit(at.hour)
	return h
}

// came takes note of a signal. Only calm ones teach what is usual: that trouble ends is no trouble. It returns the silence that is over.
func (h *habit) came(whole int64, at moment, calm bool) *silence {
	if whole <= h.last && at.bucket <= h.lastAt {
		return nil
	}
	if h.lastAt-at.bucket > habitLongest { // A clock was far ahead once.
		h.lastAt, h.hour = at.bucket, at.hour
	}
	over := h.silence
	if gap := whole - h.last; gap > 0 {
		if raw := at.bucket - h.lastAt; over == nil && calm && raw <= habitLongest {
			h.learn(float64(gap-h.unusual(at)), float64(max(raw, 1)))
		}
		h.last = whole
	}
	h.lastAt = max(h.lastAt, at.bucket)
	h.pass(at.hour)
	h.silence = nil
	h.due = 0
	if need := h.need(); need < habitLongest {
		h.due = h.last + int64(math.Ceil(need)) + 1
	}
	return over
}

func (h *habit) learn(gap, raw float64) {
	gap = max(gap, 1)
	h.gaps++
	h.usual.learn(raw, 100)
	h.longest = max(gap, h.longest*(1-habitForget))
	size := math.Log(gap)
	if h.gaps == 1 {
		h.tail = tail{bar: quantile{size, 1}, scale: mean{habitFloor, 1}, excess: mean{habitFloor, habitTrust}}
		return
	}
	h.tail.learn(size, habitFloor)
}

// need is how many intervals of silence are news, at least two.
func (h *habit) need() float64 {
	if h.gaps < habitGaps {
		return habitLongest
	}
	beyond := (habitSurprise + math.Log10(1-tailLevel)) * math.Ln10 * max(h.tail.excess.value, habitFloor)
	tail := math.Exp(h.tail.bar.value + beyond)
	if h.gaps >= habitMany {
		tail = min(tail, habitFar*h.longest)
	}
	return max(2, tail, h.longest+min(habitLonger*h.longest, habitLongerMax))
}

// surprise is how improbable a gap of so many intervals is.
func (h *habit) surprise(gap float64) float64 {
	return max(habitSurprise, h.tail.surprise(math.Log(max(gap, 1)), habitFloor))
}

// isSilent reports whether silence is news by now, and if not from which count of the whole on it is worth to look again; 0 is never.
func (h *habit) isSilent(whole int64, now moment) (silent bool, again int64) {
	need, raw := int64(math.Ceil(h.need()))+1, now.bucket-h.lastAt
	if raw > need+habitLongest { // a clock went astray
		return false, 0
	}
	missing := need - (whole - h.last - h.unusual(now))
	if h.isQuiet(now.hour) {
		missing = max(missing, habitPatience)
	}
	if float64(raw) < habitRaw*h.usual.value {
		missing = max(missing, 1)
	}
	return missing <= 0, whole + missing
}

// pass notes the hour, and that nothing came in those before it.
func (h *habit) pass(hour int64) {
	if hour > h.hour {
		for n := max(h.hour, hour-activeHours) + 1; n <= hour; n++ {
			h.hours[hourWord(n)] &^= hourBit(n)
		}
		h.hour = hour
	}
	if h.hour-hour < activeHours {
		h.hours[hourWord(hour)] |= hourBit(hour)
	}
}

// unusual is how many intervals of the silence until now fall into hours in which it is usually silent.
func (h *habit) unusual(now moment) int64 {
	quiet := int64(0)
	for hour := max(h.hour, now.hour-activeHours) + 1; hour <= now.hour; hour++ {
		if h.isQuiet(hour) {
			quiet++
		}
	}
	return min(quiet*now.perHour, now.bucket-h.lastAt)
}

// isQuiet reports whether it is usually silent in an hour, or beside it: a week before, and where that is not known, or no longer so, on
// the days before.
func (h *habit) isQuiet(hour int64) bool {
	const week = 7 * dayHours
	switch {
	case h.usual.value > activeOften, hour-dayHours-1 < h.since:
		return false
	case hour-week-1 < h.since:
		return h.wasSilent(hour - dayHours)
	default:
		lately := h.wasSilent(hour-dayHours) && h.wasSilent(hour-2*dayHours) && h.wasSilent(hour-3*dayHours)
		return lately || h.wasSilent(hour-week)
	}
}

// wasSilent reports whether nothing came in an hour before the newest, or in one beside it.
func (h *habit) wasSilent(hour int64) bool {
	for n := hour - 1; n <= hour+1; n++ {
		if n <= h.hour && h.hour-n < activeHours && h.hours[hourWord(n)]&hourBit(n) == 0 {
			return true
		}
	}
	return false
}

func hourWord(hour int64) int { return int(hour-activeHours*floorDiv(hour, activeHours)) / 64 }
func hourBit(hour int64) uint64 {
	return 1 << (uint64(hour-activeHours*floorDiv(hour, activeHours)) % 64)
}

// moment is an event time as habits count it.
type moment struct{ bucket, hour, perHour int64 }

func (c Config) moment(seconds int64) moment {
	length := c.bucket()
	return moment{floorDiv(seconds, length), floorDiv(seconds, hourSeconds), max(1, hourSeconds/length)}
}
