package operational

import (
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// keySeriesMax bounds the series of one key; the least recently used is replaced.
const keySeriesMax = 64

// keyID identifies a key: keys of different sources are different things.
type keyID struct{ source, key string }

// keyState is what is remembered about one key.
type keyState struct {
	id        keyID
	watermark time.Time // newest event time
	late      uint64    // signals that came too late to count
	lateRun   uint64    // of which in a row, now
	erred     bool      // has had a signal of severity error or worse
	series    []series  // least recently used first
	active    activity
	habit     *habit // nil before its second interval
	source    *sourceState
	wait      waiter // in the source's queue

	older, newer *keyState // in the order of use, see keyTable
}

// seriesKind says what a series measures.
type seriesKind uint8

// Kinds of series. They are part of snapshots.
const (
	seriesValue    seriesKind = iota + 1 // the signal's value
	seriesFeature                        // a numeric feature
	seriesTemplate                       // how often a template comes
	seriesClass                          // how often a type and severity come
)

// seriesID identifies a series within its key.
type seriesID struct {
	kind         seriesKind
	name, detail string
}

// counts reports whether the series is how many came in a minute.
func (id seriesID) counts() bool { return id.kind == seriesFeature && id.name == layers.FeatureRoutine }

// series is one baseline; exactly one of the pointers is set, by kind.
type series struct {
	id      seriesID
	numeric *timeline
	rate    *rate
	habit   *habit // nil before its second interval, and for features
}

func newSeries(id seriesID) series {
	switch id.kind {
	case seriesTemplate, seriesClass:
		return series{id: id, rate: &rate{}}
	default:
		return series{id: id, numeric: &timeline{learnt: baseline{counts: id.counts()}}}
	}
}

// clock moves the key's watermark. It returns how far the signal is behind it, and whether that
// is too far to count. Where late signals come in a row, the sender's time itself went back (a
// replay, a corrected clock, one absurd time stamp before), and the watermark follows.
func (k *keyState) clock(at time.Time, cfg Config) (behind time.Duration, late bool) {
	if k.watermark.IsZero() || !at.Before(k.watermark) {
		k.watermark, k.lateRun = at, 0
		return 0, false
	}
	behind = k.watermark.Sub(at)
	if behind <= cfg.Lateness {
		k.lateRun = 0
		return behind, false
	}
	k.late++
	k.lateRun++
	if k.lateRun < lateRunsToReset {
		return behind, true
	}
	k.watermark, k.lateRun = at, 0
	for i := range k.series {
		if r := k.series[i].rate; r != nil {
			r.rewind()
		} else {
			k.series[i].numeric.rewind(surpriseOf(cfg.Threshold))
		}
	}
	return 0, false
}

// find returns the series, which thereby is the most recently used, or nil.
func (k *keyState) find(id seriesID) *series {
	last := len(k.series) - 1
	for i := last; i >= 0; i-- {
		if k.series[i].id != id {
			continue
		}
		if i < last {
			found := k.series[i]
			copy(k.series[i:], k.series[i+1:])
			k.series[last] = found
		}
		return &k.series[last]
	}
	return nil
}

// add adds a series and returns by how many the key's series grew.
func (k *keyState) add(s series) int {
	if len(k.series) < keySeriesMax {
		k.series = append(k.series, s)
		return 1
	}
	k.series = append(slices.Delete(k.series, 0, 1), s)
	return 0
}

// recent is how many samples of the key's series are not learnt for good yet.
func (k *keyState) recent() int {
	n := 0
	for i := range k.series {
		n += k.series[i].recent()
	}
	return n
}

func (s *series) recent() int {
	if s.numeric == nil {
		return 0
	}
	return len(s.numeric.recent)
}
