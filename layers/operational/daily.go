package operational

import "math"

const (
	dayHours    = 24
	hourSeconds = 3600
	hourNone    = math.MinInt64
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

// daily is what a series does at each hour of the day, by UTC: an hour of the day is the same every day in
// whatever zone. It knows the mean of each hour, and what was surprising on the last two whole days. A series has
// one from its second hour on.
type daily struct {
	hour   int64 // of event time, the newest; hourNone where the next sample tells
	now    mean  // of that hour's samples
	means  [dayHours]float64
	days   [dayHours]uint8      // that each mean rests on, at most daysKept
	excess [3][dayHours]float32 // largest surprise beyond habitFrom: today, yesterday, the day before
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
	for passed := min(floorDiv(hour, dayHours)-floorDiv(d.hour, dayHours), 3); passed > 0; passed-- {
		d.excess[2], d.excess[1], d.excess[0] = d.excess[1], d.excess[0], [dayHours]float32{}
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
	h := hourOfDay(hour)
	one, other := around(&d.excess[1], h), around(&d.excess[2], h)
	habit := min(max(one, other), habitAlike*min(one, other))
	d.excess[0][h] = max(d.excess[0][h], float32(surprise-habitFrom))
	return max(0, surprise-habitFactor*float64(habit))
}

// rewind is for a sender whose time went back: the next sample says which hour it is, and the days before it are not the last
// ones any more.
func (d *daily) rewind() {
	d.hour, d.now = hourNone, mean{}
	clear(d.excess[:])
}

// around returns the largest excess at an hour of a day or beside it.
func around(day *[dayHours]float32, hour int) float32 {
	most := float32(0)
	for h := hour - 1; h <= hour+1; h++ {
		most = max(most, day[(h+dayHours)%dayHours])
	}
	return most
}

func hourOfDay(hour int64) int { return int(hour - dayHours*floorDiv(hour, dayHours)) }
