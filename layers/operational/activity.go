package operational

// activity counts the intervals of event time in which something came. It is the clock by which the silence of its parts is
// measured: while a source is silent as a whole, none of its keys grows more silent, whatever the hour or the outage.
type activity struct {
	bucket int64 // the newest interval: event time / its length
	count  int64 // intervals so far
	behind int64 // signals in a row that came far behind the newest
}

// pass takes note of a signal in this interval, and reports whether the clock went on. Where many in a row come far behind, the
// sender's time itself went back, and the clock follows.
func (a *activity) pass(bucket int64) bool {
	switch {
	case a.count == 0 || bucket > a.bucket:
	case bucket >= a.bucket-1:
		a.behind = 0
		return false
	default:
		if a.behind++; a.behind < lateRunsToReset {
			return false
		}
	}
	a.bucket, a.behind = bucket, 0
	a.count++
	return true
}

// at returns the count in an interval: a signal that is late belongs to the one before the newest.
func (a *activity) at(bucket int64) int64 {
	if bucket == a.bucket-1 {
		return a.count - 1
	}
	return a.count
}
