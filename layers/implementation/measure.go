package implementation

import (
	"math"
	"strings"
)

// notMeasures are the last words of names whose numbers tell which or when, and not how much.
var notMeasures = [...]string{"id", "pid", "tid", "port", "timestamp", "unixnano", "uuid", "version", "flags", "lineno", "seq", "sequence", "epoch"}

// Times of this century, in seconds; also as milliseconds, microseconds and nanoseconds.
const timesFrom, timesTo = 946_684_800, 4_102_444_800

// isMeasure reports whether a number can be how much there is of something: no id, and no time.
func isMeasure(name string, value float64) bool {
	last := name[strings.LastIndexAny(name, "._-")+1:]
	for _, word := range notMeasures {
		if strings.EqualFold(last, word) {
			return false
		}
	}
	if n := len(last); n > 2 && last[n-3] >= 'a' && last[n-3] <= 'z' && (last[n-2:] == "Id" || last[n-2:] == "ID") {
		return false
	}
	if value != math.Trunc(value) || value < timesFrom || !namesTime(name) {
		return true
	}
	for _, unit := range [...]float64{1, 1e3, 1e6, 1e9} {
		if value >= timesFrom*unit && value < timesTo*unit {
			return false
		}
	}
	return true
}

// namesTime reports whether a name has a word of time in it.
func namesTime(name string) bool {
	for _, word := range [...]string{"time", "ts", "start", "end", "date", "at", "nano", "millis", "since", "until", "first", "last"} {
		if i := indexFold(name, word); i >= 0 {
			return true
		}
	}
	return false
}

// indexFold is strings.Index of a word in lower case, whatever the case of the text.
func indexFold(text, word string) int {
	for i := 0; i+len(word) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}
