package ingest

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// wantTime is what the errors say about times.
const wantTime = `RFC 3339 such as "2014-07-01T00:00:00Z", "2014-07-01 00:00:00" (UTC), ` +
	"or Unix seconds, milliseconds, microseconds or nanoseconds"

// timeLayouts are tried in this order after RFC 3339. Those without a zone mean UTC; all
// take a fraction of a second after a point or a comma.
var timeLayouts = [...]string{
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05 -0700 MST",
	"2006/01/02 15:04:05",
}

// maxTimeBytes is longer than any time that can be read.
const maxTimeBytes = 64

// parseTime reads a time in one of the documented forms.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	t, ok := anyTime(text)
	if !ok {
		return time.Time{}, &fieldError{problem: quote(text) + " is no RFC 3339 time", want: wantTime}
	}
	t = t.UTC()
	return t, checkTime("", t)
}

func anyTime(text string) (time.Time, bool) {
	if text == "" || len(text) > maxTimeBytes {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	text, _, _ = strings.Cut(text, " m=") // the monotonic clock, which Go writes with a time
	if isNumber([]byte(text)) {
		return unixTime(text)
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// momentSince is the year before which what is named like a time is none: a duration, or a count.
const momentSince = 1990

// momentOf reads a time from a field that need not be one.
func momentOf(text string) (time.Time, bool) {
	t, ok := anyTime(strings.TrimSpace(text))
	year := t.UTC().Year()
	return t, ok && year >= momentSince && year <= maxYear
}

// The magnitudes that tell the unit of a Unix time: as seconds the first is the year 5138,
// as milliseconds 1973, and so on by thousands.
const (
	secondsBelow = 1e11
	millisBelow  = 1e14
	microsBelow  = 1e17
)

// unixTime reads a Unix time whose unit is told by its magnitude.
func unixTime(text string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	units, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.ContainsAny(fraction, "eE") {
		return unixFloat(text)
	}
	perSecond := unitsPerSecond(float64(units))
	nanosPerUnit := int64(time.Second) / perSecond
	nanos := units % perSecond * nanosPerUnit
	// The fraction's digits are read at the precision of a nanosecond and no further.
	for i := 0; i < len(fraction) && nanosPerUnit > 1; i++ {
		nanosPerUnit /= 10
		digit := int64(fraction[i]-'0') * nanosPerUnit
		if strings.HasPrefix(whole, "-") {
			digit = -digit
		}
		nanos += digit
	}
	return time.Unix(units/perSecond, nanos), true
}

// unixFloat reads what is written with an exponent, or is too long for an integer.
func unixFloat(text string) (time.Time, bool) {
	units, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(units) > math.MaxInt64/2 {
		return time.Time{}, false
	}
	seconds, fraction := math.Modf(units / float64(unitsPerSecond(units)))
	return time.Unix(int64(seconds), int64(fraction*float64(time.Second))), true
}

func unitsPerSecond(units float64) int64 {
	switch units = math.Abs(units); {
	case units < secondsBelow:
		return 1
	case units < millisBelow:
		return 1e3
	case units < microsBelow:
		return 1e6
	default:
		return 1e9
	}
}
