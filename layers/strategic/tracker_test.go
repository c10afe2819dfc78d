package strategic_test

import (
	"bytes"
	"encoding/json"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

// availability is 99.9 % of all verdicts over 30 days.
func availability() strategic.Objective {
	return strategic.Objective{Name: "availability", Target: 0.999, Window: month, Total: "true", Good: `disposition != "dead"`}
}

func newTracker(tb testing.TB, objectives ...strategic.Objective) *strategic.Tracker {
	tb.Helper()
	cfg := strategic.DefaultConfig()
	cfg.Objectives = objectives
	tracker, err := strategic.NewTracker(cfg, expressions())
	if err != nil {
		tb.Fatal(err)
	}
	return tracker
}

// verdict is good or bad in the sense of availability, and decided as soon as it happened.
func verdict(at time.Time, good bool) *layers.Verdict {
	v := &layers.Verdict{SignalID: "s", Source: "test", Key: "k", Layer: layers.NameL1, EventTime: at, ReceivedAt: at, DecidedAt: at}
	v.Disposition = layers.DispositionResolved
	if !good {
		v.Disposition = layers.DispositionDead
	}
	return v
}

// observe gives the tracker n verdicts of the time, the first bad ones of them bad.
func observe(tracker *strategic.Tracker, at time.Time, n, bad int) {
	for i := range n {
		tracker.Observe(verdict(at, i >= bad))
	}
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

// TestBudget has the arithmetic of Google's "The Site Reliability Workbook", chapter 5: a
// burn rate of 1 spends the whole budget within the window, an error rate of 100 % against 99.9 %
// burns 1000 times as fast.
func TestBudget(t *testing.T) {
	tests := []struct {
		name       string
		target     float64
		total, bad int
		remaining  float64
		burn       float64
	}{
		{"nothing counted", 0.999, 0, 0, 1, 0},
		{"all good", 0.999, 10_000, 0, 1, 0},
		{"0.1 % bad of 99.9 %", 0.999, 10_000, 10, 0, 1},
		{"0.05 % bad of 99.9 %", 0.999, 10_000, 5, 0.5, 0.5},
		{"1 % bad of 99.9 %", 0.999, 10_000, 100, -9, 10},
		{"1.44 % bad of 99.9 %, the page at 14.4x", 0.999, 10_000, 144, -13.4, 14.4},
		{"0.6 % bad of 99.9 %, the page at 6x", 0.999, 1000, 6, -5, 6},
		{"all bad of 99.9 %", 0.999, 1000, 1000, -999, 1000},
		{"1 % bad of 99 %", 0.99, 1000, 10, 0, 1},
		{"half bad of 90 %", 0.9, 10, 5, -4, 5},
		{"a quarter bad of 50 %", 0.5, 8, 2, 0.5, 0.5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := availability()
			o.Target = test.target
			tracker := newTracker(t, o)
			observe(tracker, noon, test.total, test.bad)
			r := tracker.Reports()[0]
			if !near(r.BudgetRemaining, test.remaining) || !near(r.BurnRate, test.burn) || !near(r.RecentBurnRate, test.burn) {
				t.Errorf("%v of the budget left, burning %v (recently %v): want %v and %v",
					r.BudgetRemaining, r.BurnRate, r.RecentBurnRate, test.remaining, test.burn)
			}
			if r.Total != uint64(test.total) || r.Good != uint64(test.total-test.bad) {
				t.Errorf("%d good of %d: want %d of %d", r.Good, r.Total, test.total-test.bad, test.total)
			}
		})
	}
}

func TestRecentBurnRateForgetsFirst(t *testing.T) {
	tracker := newTracker(t, availability())
	observe(tracker, noon, 1000, 10)
	observe(tracker, noon.Add(time.Hour), 1000, 0)
	if r := tracker.Reports()[0]; !near(r.RecentBurnRate, 5) || r.RecentTotal != 2000 {
		t.Errorf("an hour later recently %vx of %d: want 5x of 2000", r.RecentBurnRate, r.RecentTotal)
	}
	observe(tracker, noon.Add(3*time.Hour), 1000, 0)
	r := tracker.Reports()[0]
	if r.RecentBurnRate != 0 || r.RecentTotal != 1000 || math.Abs(r.BurnRate-10.0/3) > 1e-8 || r.RecentWindow != 2*time.Hour {
		t.Errorf("three hours later recently %vx of %d in %s, over all %vx: want 0x of 1000 in 2h, 3.33x",
			r.RecentBurnRate, r.RecentTotal, r.RecentWindow, r.BurnRate)
	}
}

func TestOldVerdictsLeaveTheWindow(t *testing.T) {
	tracker := newTracker(t, availability())
	observe(tracker, noon, 100, 100)
	observe(tracker, noon.Add(month-time.Hour), 100, 0)
	if r := tracker.Reports()[0]; r.Total != 200 {
		t.Fatalf("%d counted within the window: want 200", r.Total)
	}
	observe(tracker, noon.Add(month), 100, 0)
	if r := tracker.Reports()[0]; r.Total != 200 || r.BudgetRemaining != 1 {
		t.Errorf("%d counted, budget %v: want the first 100 gone", r.Total, r.BudgetRemaining)
	}
	observe(tracker, noon.Add(10*month), 1, 0)
	if r := tracker.Reports()[0]; r.Total != 1 {
		t.Errorf("%d counted after a long silence: want 1", r.Total)
	}
}

func TestTimePassesForObjectivesThatCountNothing(t *testing.T) {
	rare := availability()
	rare.Name, rare.Total = "rare", `source == "rare"`
	tracker := newTracker(t, rare)
	v := verdict(noon, false)
	v.Source = "rare"
	tracker.Observe(v)
	observe(tracker, noon.Add(2*month), 1, 0)
	if r := tracker.Reports()[0]; r.Total != 0 || !r.Watermark.Equal(noon.Add(2*month)) {
		t.Errorf("%d counted at %s: want the verdict of two months ago gone", r.Total, r.Watermark)
	}
}

func TestBuiltInObjective(t *testing.T) {
	tracker := newTracker(t)
	observe(tracker, noon, 10_000, 5)
	reports := tracker.Reports()
	if len(reports) != 2 || reports[0].Objective != "hal9-decided" || reports[0].Window != 720*time.Hour || !near(reports[0].BudgetRemaining, .5) {
		t.Errorf("reports are %+v: want hal9-decided with half of its budget left", reports)
	}
	if r := reports[1]; r.Objective != "hal9-latency" || r.Target != .999 || r.Good != 10_000 {
		t.Errorf("the second is %+v: want hal9-latency, all good", r)
	}
}

func TestGoodCountsOnlyWithinTotal(t *testing.T) {
	errors := strategic.Objective{Name: "errors", Target: .9, Window: day, Total: "severity >= error", Good: "true"}
	tracker := newTracker(t, errors)
	for _, severity := range []layers.Severity{layers.SeverityInfo, layers.SeverityError, layers.SeverityCritical} {
		v := verdict(noon, true)
		v.Severity = severity
		tracker.Observe(v)
	}
	if r := tracker.Reports()[0]; r.Good != 2 || r.Total != 2 {
		t.Errorf("%d good of %d: want 2 of 2", r.Good, r.Total)
	}
}

func TestReportsWhileObserving(t *testing.T) {
	tracker := newTracker(t, availability())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := range 2000 {
				tracker.Observe(verdict(noon.Add(time.Duration(i)*time.Minute), i%2 == 0))
			}
		})
	}
	wg.Go(func() {
		for range 500 {
			if r := tracker.Reports()[0]; r.Good > r.Total {
				t.Errorf("%d good of %d", r.Good, r.Total)
			}
			if _, err := tracker.Snapshot(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if r := tracker.Reports()[0]; r.Total != 4000 {
		t.Errorf("%d counted: want 4000", r.Total)
	}
}

func TestReportAsJSON(t *testing.T) {
	tracker := newTracker(t, availability())
	observe(tracker, noon, 2000, 1)
	data, err := json.Marshal(tracker.Reports())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"objective":"availability"`, `"window_us":2592000000000`, `"good":1999`, `"total":2000`, `"budget_remaining":0.5`,
		`"burn_rate":0.5`, `"recent_window_us":7200000000`, `"watermark":"2026-03-02T12:00:00Z"`,
	} {
		if !bytes.Contains(data, []byte(part)) {
			t.Errorf("%s does not contain %s", data, part)
		}
	}
	var back []strategic.Report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tracker.Reports(), back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// expressions are those of HAL9.
func expressions() strategic.Expressions {
	return strategic.Expressions{Verdict: expr.Verdict, Signal: expr.Signal, Situation: expr.Situation, Number: expr.Number, Text: expr.Text}
}
