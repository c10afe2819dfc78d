package operational

import "math"

// pace knows how many numbers and messages are judged in a day. What is judged a million times a day is one in a million once a day:
// the more there is, the more improbable must be what opens a situation on its own, so that the situations of a quiet day stay few
// however much is watched (Bonferroni).
type pace struct {
	hour      int64   // of event time, the newest
	now, last float64 // judged in it, and in the busier of those before, forgotten by half with each hour
	behind    float64 // judged in a row that belong to hours long before: the newest was a clock's mistake
}

// paceBehind is how many of those in a row set the hour back.
const paceBehind = 10_000

// count takes note of one that is judged.
func (p *pace) count(hour int64) {
	if p.now == 0 {
		p.hour = hour
	}
	if p.hour-hour <= dayHours {
		p.behind = 0
	} else if p.behind++; p.behind >= paceBehind {
		p.hour, p.now, p.behind = hour, 0, 0
	}
	if passed := hour - p.hour; passed > 0 {
		p.last = max(p.now, p.last*math.Exp2(-float64(min(passed, 64))))
		p.hour, p.now = hour, 0
	}
	p.now++
}

// rate is how many are judged in an hour.
func (p *pace) rate() float64 { return max(p.now, p.last) }

// chanceOf is the surprise that one of all that are judged in a day reaches by chance, where so many are judged in an hour.
func chanceOf(rate float64) float64 { return math.Log10(max(1, dayHours*rate)) }

func (p *pace) fields(visit func(*float64)) {
	visit(&p.now)
	visit(&p.last)
	visit(&p.behind)
}
