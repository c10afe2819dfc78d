package operational

import (
	"math"
	"slices"
)

const (
	recordsKept = 8      // events that are remembered: the most surprising ones
	recordSpan  = 20_000 // samples for how long
	recordFaith = 300    // what never came in n samples is held to come once in 300 times as many, at most
)

// record knows how often a series was as surprising as it is now, and thereby what a surprise is worth: however improbable the
// detectors think it, what came k times in n samples comes about k+1 times in n (a conformal p-value, Vovk et al., "Algorithmic
// Learning in a Random World", 2005). The detectors' word counts too, by a factor of recordFaith where it never came and less with
// each time that it did. Surprises within episodeSamples are one event.
type record struct {
	events []event // at most recordsKept
}

// event is a time of being surprising.
type event struct {
	surprise float64 // the largest
	begin    float64 // the sample with which it began
}

// calibrate returns what a surprise is worth at the given sample, at least least, and notes it.
func (r *record) calibrate(surprise, samples, least float64) float64 {
	if surprise < least {
		return surprise
	}
	r.events = slices.DeleteFunc(r.events, func(e event) bool { return samples-e.begin > recordSpan })
	own, before, oldest := false, 0, 0.0
	span := min(samples, recordSpan)
	full := len(r.events) == recordsKept
	for i := range r.events {
		e := &r.events[i]
		if samples-e.begin < episodeSamples {
			own, e.surprise = true, max(e.surprise, surprise)
		} else if e.surprise >= surprise {
			before++
			if full { // What was before the oldest that is kept is not known.
				oldest = max(oldest, samples-e.begin)
			}
		}
	}
	if oldest > 0 {
		span = oldest
	}
	if !own {
		r.note(event{surprise: surprise, begin: samples})
	}
	n := float64(before + 1)
	return min(surprise, math.Log10(math.Pow(recordFaith, 1/n)*span/n))
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
