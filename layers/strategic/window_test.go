package strategic_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestHistoricData replays 2014 into a live tracker: it is ignored, and counted as late.
func TestHistoricData(t *testing.T) {
	tracker := newTracker(t, availability())
	past := time.Date(2014, 4, 1, 0, 0, 0, 0, time.UTC)
	replay := func(n int) {
		for i := range n {
			v := verdict(past.Add(time.Duration(i)*time.Minute), false)
			v.DecidedAt = noon
			tracker.Observe(v)
		}
	}
	replay(10)
	if r := tracker.Reports()[0]; r.Total != 10 || r.Late != 0 {
		t.Errorf("alone, %d counted and %d late: want 10 and 0", r.Total, r.Late)
	}
	observe(tracker, noon, 100, 0)
	replay(10)
	r := tracker.Reports()[0]
	if r.Total != 100 || r.BudgetRemaining != 1 || r.Late != 10 {
		t.Errorf("beside live data %d counted, budget %v, %d late: want 100, 1, 10", r.Total, r.BudgetRemaining, r.Late)
	}
}

// TestFutureEventTime sends a signal from the year 9999 in the middle of live data.
func TestFutureEventTime(t *testing.T) {
	tracker := newTracker(t, availability())
	observe(tracker, noon, 100, 1)
	v := verdict(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), true)
	v.DecidedAt = noon.Add(time.Minute)
	tracker.Observe(v)
	observe(tracker, noon.Add(2*time.Minute), 100, 1)
	r := tracker.Reports()[0]
	if r.Total != 201 || r.Late != 0 || !r.Watermark.Equal(noon.Add(2*time.Minute)) {
		t.Errorf("%d counted, %d late, watermark %s: want 201, 0 and the present", r.Total, r.Late, r.Watermark)
	}
}

func TestVerdictsWithoutUsableTime(t *testing.T) {
	tracker := newTracker(t, availability())
	for _, at := range []time.Time{{}, time.Unix(math.MaxInt64/4, 0), time.Unix(math.MinInt64/4, 0), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)} {
		tracker.Observe(verdict(at, false))
	}
	if r := tracker.Reports()[0]; r.Total != 0 || r.Late != 0 || !r.Watermark.IsZero() {
		t.Errorf("counted %+v: want nothing", r)
	}
	v := verdict(noon, true)
	v.EventTime = time.Time{}
	tracker.Observe(v)
	if r := tracker.Reports()[0]; r.Total != 1 || !r.Watermark.Equal(noon) {
		t.Errorf("%d counted at %s: want the time of the decision where there is no event time", r.Total, r.Watermark)
	}
}

// TestWindowAgainstReference compares with a sum over all verdicts: what the buckets count lies
// between the exact window less one bucket and the exact window.
func TestWindowAgainstReference(t *testing.T) {
	for _, length := range []time.Duration{time.Hour, 90*time.Minute + 7*time.Second, day, 720 * time.Hour, 366 * day} {
		random := rand.New(rand.NewPCG(uint64(length), 5))
		o := availability()
		o.Window = length
		tracker := newTracker(t, o)
		bucket := length / 720
		var seen []*layers.Verdict
		now := time.Date(1969, 12, 31, 22, 0, 0, 0, time.UTC) // buckets must not break at 1970
		watermark := now.Add(-length)
		for i := range 3000 {
			now = now.Add(time.Duration(random.ExpFloat64() * float64(length) / 500))
			if random.IntN(400) == 0 {
				now = now.Add(time.Duration(random.Float64() * 1.5 * float64(length)))
			}
			v := verdict(now.Add(-time.Duration(random.Float64()*float64(length)/10)), random.IntN(3) > 0)
			seen = append(seen, v)
			tracker.Observe(v)
			if v.EventTime.After(watermark) {
				watermark = v.EventTime
			}
			if i%20 > 0 {
				continue
			}
			r := tracker.Reports()[0]
			least, most := within(seen, watermark, length-bucket-time.Second), within(seen, watermark, length)
			if r.Total < least.total || r.Total > most.total || r.Good < least.good || r.Good > most.good {
				t.Fatalf("window %s: %d good of %d: want %+v to %+v", length, r.Good, r.Total, least, most)
			}
		}
	}
}

// TestBucketsAround1970 has a verdict in the bucket before the epoch's, which must leave with it.
func TestBucketsAround1970(t *testing.T) {
	o := availability()
	o.Window = time.Hour
	tracker := newTracker(t, o)
	epoch := time.Unix(0, 0).UTC()
	for _, seconds := range []int{-30, 30, 59*60 + 30} {
		observe(tracker, epoch.Add(time.Duration(seconds)*time.Second), 1, 0)
	}
	if r := tracker.Reports()[0]; r.Total != 2 {
		t.Errorf("%d counted: want the one of an hour ago gone", r.Total)
	}
}

type tally struct{ good, total uint64 }

// within counts good and total in the length that ends at the watermark.
func within(seen []*layers.Verdict, watermark time.Time, length time.Duration) (sum tally) {
	for _, v := range seen {
		if watermark.Sub(v.EventTime) >= length {
			continue
		}
		sum.total++
		if v.Disposition != layers.DispositionDead {
			sum.good++
		}
	}
	return sum
}
