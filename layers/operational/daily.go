package operational

import "math"

const (
	dayHours    = 24
	hourSeconds = 3600
	hourNone    = math.MinInt64
	excessHours = 3 * dayHours // two days and an hour back, and some
	// Within so many reaches of the median a value counts for the mean of its hour: on a first morning all is far away.
	dailyReaches = 10
	daysKept     = 3 // days that the mean of an hour rests on, exponentially weighted
	// Every fiftieth sample is as surprising as this: it is no habit.
	habitFrom = 1.7
	// Of two days that are alike the more surprising one counts, else twice the less surprising one.
	habitAlike = 2
	// News must be a tenth more surprising than what is a habit.
	habitFactor = 1.1
)

// daily is what a series does at each hour of the day. It counts by UTC: where clocks change for summer, what is usual moves by an hour.
// It knows the mean of each hour, and what was surprising in the hours of the last two days. A series has one from its second hour on.
type daily struct {
	hour  int64 // of event time, the newest; hourNone where the next sample tells
	now   mean  // of that hour's samples
	means [dayHours]float64
	days  [dayHours]uint8 // that each mean rests on, at most daysKept
	// Largest surprise beyond habitFrom of each of the last hours, by hour of event time modulo excessHours.
	excess [excessHours]float32
}

// advance finishes the hours and days before hour.
func (d *daily) advance(hour int64) {
	if d.hour == hourNone {
		d.hour = hour
	}
	if hour <= d.hour {
		return
	}
	if d.now.count > 0 {
		h := hourOfDay(d.hour)
		d.days[h] = min(d.days[h]+1, daysKept)
		d.means[h] += (d.now.value - d.means[h]) / float64(d.days[h])
	}
	d.now = mean{}
	for h := max(d.hour, hour-excessHours) + 1; h <= hour; h++ {
		d.excess[index(h)] = 0
	}
	d.hour = hour
}

// usual returns the mean of the earlier days at an hour; ok is false where there is none.
func (d *daily) usual(hour int64) (value float64, ok bool) {
	h := hourOfDay(hour)
	return d.means[h], d.days[h] > 0
}

// learn adds a sample to the hour that is now.
func (d *daily) learn(value float64) { d.now.learn(value, math.MaxFloat64) }

// unusual lowers a surprise by what surprised at this time of the day, an hour more or less, on each of the last two days, and
// remembers it: what happens every night is no news.
func (d *daily) unusual(hour int64, surprise float64) float64 {
	one, other := d.around(hour-dayHours), d.around(hour-2*dayHours)
	habit := min(max(one, other), habitAlike*min(one, other))
	if at := index(hour); d.hour-hour < excessHours { // else it is too late for the hours that are kept
		d.excess[at] = max(d.excess[at], float32(surprise-habitFrom))
	}
	return max(0, surprise-habitFactor*float64(habit))
}

// around returns the largest excess at an hour or beside it.
func (d *daily) around(hour int64) float32 {
	return max(d.excess[index(hour-1)], d.excess[index(hour)], d.excess[index(hour+1)])
}

// index returns where an hour's excess lies.
func index(hour int64) int { return int(hour - excessHours*floorDiv(hour, excessHours)) }

// rewind is for a sender whose time went back: the next sample says which hour it is, and the days before it are not the last
// ones any more.
func (d *daily) rewind() {
	d.hour, d.now = hourNone, mean{}
	d.excess = [excessHours]float32{}
}

func hourOfDay(hour int64) int { return int(hour - dayHours*floorDiv(hour, dayHours)) }
