package operational

import "math"

const (
	seasonLearns = 30  // samples before it judges
	seasonGain   = 0.7 // the share of the usual error that the hours of the day must save it
)

// season knows how far a series usually strays from its mean at that hour of the day, and notices what is usual, but not at
// this hour. It is silent where the hours tell little: where they are not much nearer than the mean of all.
type season struct {
	all    mean // of the series
	byAll  mean // mean distance from that
	byHour mean // mean distance from the mean of the hour
	tail   tail // of the distance from the mean of the hour
}

func (n *season) observe(s sample) (surprise float64) {
	if s.hasHour {
		surprise = n.judge(s)
	}
	n.all.learn(s.tame, baselineSpan)
	return surprise
}

// judge compares the sample with the mean of its hour, and learns how far apart the two are.
func (n *season) judge(s sample) float64 {
	n.byAll.learn(math.Abs(s.tame-n.all.value), baselineSpan)
	n.byHour.learn(math.Abs(s.tame-s.hour), baselineSpan)
	distance, floor := math.Abs(s.value-s.hour), s.grain(s.hour, 1)
	surprise := 0.0
	switch {
	case n.byHour.count < seasonLearns:
		return 0
	case n.byHour.count == seasonLearns:
		n.tail.guess(n.byHour.value)
	case n.byHour.value < seasonGain*n.byAll.value:
		surprise = n.tail.surprise(distance, floor)
	}
	n.tail.learn(distance, floor)
	return surprise
}

func (n *season) explain(s sample) string {
	how := "far above"
	if s.value < s.hour {
		how = "far below"
	}
	return number(s.value) + " is " + how + " its mean at this hour of the day, " + number(s.hour) +
		"; it is usually at most " + number(n.tail.bar.value) + " away from that (" + number(s.samples) + " samples)"
}

func (n *season) fields(visit func(*float64)) {
	n.all.fields(visit)
	n.byAll.fields(visit)
	n.byHour.fields(visit)
	n.tail.fields(visit)
}
