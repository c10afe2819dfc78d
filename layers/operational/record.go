package operational

import (
	"math"
	"slices"
)

const (
	recordsKept = 8      // events that are remembered: the most surprising ones
	recordSpan  = 20_000 // samples for how long
	recordFaith = 300    // what never came in n samples is held to come once in 300 times as many, at most

	incidentLasts  = 5 // unusual samples of an incident, at least
	incidentClear  = 6 // surprise of one of them, at least: one in a million
	incidentPause  = 4 // hours from an incident to what is another one, at least
	incidentsSpare = 2 // incidents that say nothing about what is usual
)

// record knows how often a series was as surprising as it is now, and thereby what a surprise is worth: however improbable the
// detectors think it, what came k times in n samples comes about k+1 times in n (a conformal p-value, Vovk et al., "Algorithmic
// Learning in a Random World", 2005). The detectors' word counts too, by a factor of recordFaith where it never came and less with
// each time that it did. Surprises within episodeSamples are one event.
//
// Trouble that came and ended is no habit yet: the first incidents do not count, so that the same trouble is told when it comes again,
// hours or days later. What keeps coming, or comes at the same time of the day, is how the series is.
type record struct {
	events []event // at most recordsKept
}

// event is a time of being surprising.
type event struct {
	surprise float64 // the largest
	begin    float64 // the sample with which it began
	hour     float32 // of event time, in Unix hours, in which it was most surprising
	lasted   float32 // samples that were surprising
}

// calibrate returns what a surprise is worth at the given sample and hour of event time, and notes it where it is at least least.
func (r *record) calibrate(surprise, samples, least float64, hour int64) float64 {
	if surprise < least {
		return surprise
	}
	r.events = slices.DeleteFunc(r.events, func(e event) bool { return samples-e.begin > recordSpan })
	own, before, incidents, oldest := false, 0, 0, 0.0
	span := min(samples, recordSpan)
	full := len(r.events) == recordsKept
	for i := range r.events {
		e := &r.events[i]
		if samples-e.begin < episodeSamples {
			own = true
			e.grow(surprise, hour)
		} else if e.surprise >= surprise {
			before++
			if e.isIncident(hour) {
				incidents++
			}
			if full { // What was before the oldest that is kept is not known.
				oldest = max(oldest, samples-e.begin)
			}
		}
	}
	if oldest > 0 {
		span = oldest
	}
	if !own {
		r.note(event{surprise: surprise, begin: samples, hour: float32(hour), lasted: 1})
	}
	n := float64(before - min(incidents, incidentsSpare) + 1)
	return min(surprise, math.Log10(math.Pow(recordFaith, 1/n)*span/n))
}

// grow adds a sample to the event.
func (e *event) grow(surprise float64, hour int64) {
	e.lasted++
	if surprise > e.surprise {
		e.surprise, e.hour = surprise, float32(hour)
	}
}

// isIncident reports whether an event was trouble rather than how the series is: it lasted and was clear, it is long over, and it did not
// come at this time of the day.
func (e *event) isIncident(hour int64) bool {
	ago := float64(hour) - float64(e.hour)
	return e.lasted >= incidentLasts && e.surprise >= incidentClear && ago >= incidentPause &&
		math.Abs(ago-dayHours*math.Round(ago/dayHours)) > 1
}

// note adds an event where there is room, or in place of the least surprising one, of equals the oldest.
func (r *record) note(e event) {
	if len(r.events) < recordsKept {
		r.events = append(r.events, e)
		return
	}
	weakest := &r.events[0]
	for i := range r.events {
		other := &r.events[i]
		if other.surprise < weakest.surprise || other.surprise == weakest.surprise && other.begin < weakest.begin {
			weakest = other
		}
	}
	if weakest.surprise <= e.surprise {
		*weakest = e
	}
}
