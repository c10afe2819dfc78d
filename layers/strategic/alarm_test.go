package strategic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// said lists alerts as "name status".
func said(alerts []layers.Signal, objective string) (list []string) {
	for _, a := range alerts {
		if a.Labels["objective"] == objective {
			list = append(list, a.Labels["burn"]+" "+a.Labels["alertstatus"])
		}
	}
	return list
}

// minutes gives the tracker n verdicts a minute for so long, of which the share is bad, and returns what it says.
func minutes(tracker *strategic.Tracker, from time.Time, length time.Duration, n int, bad float64) (told []layers.Signal) {
	owed := 0.0
	for at := time.Duration(0); at < length; at += time.Minute {
		for i := range n {
			owed += bad
			isBad := owed >= 1-1e-9
			if isBad {
				owed--
			}
			told = append(told, tracker.Observe(verdict(from.Add(at+time.Duration(i)*time.Minute/time.Duration(n)), !isBad))...)
		}
	}
	return told
}

// TestBurnAlertsOfTheWorkbook has the cases of Google's "The Site Reliability Workbook", chapter 5 (table 5-8), with a target of
// 99.9 % over 30 days: what error rate, after a calm day, pages or opens a ticket within which time.
func TestBurnAlertsOfTheWorkbook(t *testing.T) {
	tests := []struct {
		name   string
		errors float64
		length time.Duration
		want   []string
	}{
		{"within the budget", 0.0009, 3 * day, nil},
		{"100 % for a minute: 14.4x over an hour needs 0.86 minutes", 1, time.Minute, []string{"fast firing"}},
		{"1.5 % for 50 minutes is 12.5x over the hour, 2x over six", 0.015, 50 * time.Minute, nil},
		{"1.5 % for an hour", 0.015, time.Hour + 2*time.Minute, []string{"fast firing"}},
		{"0.7 % for five hours is 5.8x over six", 0.007, 5 * time.Hour, nil},
		{"0.7 % for six hours", 0.007, 6*time.Hour + 5*time.Minute, []string{"medium firing"}},
		{"0.7 % for eleven hours is 1.07x over three days", 0.007, 11 * time.Hour, []string{"medium firing", "slow firing"}},
		{"0.13 % for two days", 0.0013, 2 * day, nil},
		{"0.13 % for two and a half days is 1.08x over three", 0.0013, 60 * time.Hour, []string{"slow firing"}},
	}
	calm := newTracker(t, availability())
	if told := said(minutes(calm, noon, 4*day, 20, 0), "availability"); told != nil {
		t.Fatalf("calm, it says %q", told)
	}
	state := snapshotOf(t, calm) // What was before fills the windows; an error rate of the length then burns.
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := newTracker(t, availability())
			if err := tracker.Restore(state); err != nil {
				t.Fatal(err)
			}
			told := said(minutes(tracker, noon.Add(4*day), test.length, 20, test.errors), "availability")
			if diff := cmp.Diff(test.want, told); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAlertEndsWithItsShortWindow has an outage of ten minutes: the page ends five minutes later, though the hour still looks bad.
func TestAlertEndsWithItsShortWindow(t *testing.T) {
	tracker := newTracker(t, availability())
	minutes(tracker, noon, 6*time.Hour, 20, 0)
	outage := noon.Add(6 * time.Hour)
	told := minutes(tracker, outage, 10*time.Minute, 20, 1)
	after := minutes(tracker, outage.Add(10*time.Minute), 20*time.Minute, 20, 0)
	if diff := cmp.Diff([]string{"slow firing", "fast firing", "medium firing"}, said(told, "availability")); diff != "" {
		t.Errorf("during the outage (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"fast resolved"}, said(after, "availability")); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	end := after[0]
	if took := end.Time.Sub(outage.Add(10 * time.Minute)); took < 4*time.Minute || took > 6*time.Minute {
		t.Errorf("the page ends %s after the outage: want about five minutes", took)
	}
	if end.Severity != layers.SeverityInfo || end.Labels["severity"] != "critical" || !strings.HasPrefix(end.Text, "objective availability burns its error budget no longer") {
		t.Errorf("it ends with %+v", end)
	}
	begin := told[slices.IndexFunc(told, func(a layers.Signal) bool { return a.Labels["burn"] == "fast" })]
	if begin.Severity != layers.SeverityCritical || begin.Type != "alert" || begin.Source != "hal9" || begin.Key != "slo:availability" {
		t.Errorf("it begins with %+v", begin)
	}
	if strings.TrimSuffix(begin.ID, ".firing") != strings.TrimSuffix(end.ID, ".resolved") {
		t.Errorf("ids %q and %q: want one onset", begin.ID, end.ID)
	}
}

func TestQuietTrafficPagesNobody(t *testing.T) {
	tracker := newTracker(t, availability())
	minutes(tracker, noon, 2*time.Hour, 1, 0)
	for bad := range 5 {
		told := said(tracker.Observe(verdict(noon.Add(2*time.Hour+time.Duration(bad)*time.Second), false)), "availability")
		if bad < 4 && told != nil || bad == 4 && len(told) != 3 {
			t.Errorf("after %d failures it says %q: want an alert with the fifth", bad+1, told)
		}
	}
	bold := availability()
	bold.MinBad = 1
	tracker = newTracker(t, bold)
	if told := tracker.Observe(verdict(noon, false)); len(said(told, "availability")) != 3 {
		t.Errorf("min_bad 1: the first failure says %+v", told)
	}
}

// TestAlertsScaleWithTheWindow has a window of 30 hours: what takes an hour of 30 days takes 2.5 minutes.
func TestAlertsScaleWithTheWindow(t *testing.T) {
	o := availability()
	o.Window = 30 * time.Hour
	tracker := newTracker(t, o)
	minutes(tracker, noon, 10*time.Hour, 60, 0)
	for _, a := range tracker.Reports()[0].Alerts {
		want := map[string][2]time.Duration{
			"fast": {150 * time.Second, 12500 * time.Millisecond}, "medium": {15 * time.Minute, 75 * time.Second}, "slow": {3 * time.Hour, 15 * time.Minute},
		}[a.Name]
		if a.LongUS != want[0].Microseconds() || a.ShortUS != want[1].Microseconds() {
			t.Errorf("%s looks at %d and %d µs: want %s and %s", a.Name, a.LongUS, a.ShortUS, want[0], want[1])
		}
	}
	if told := said(minutes(tracker, noon.Add(10*time.Hour), time.Minute, 60, 1), "availability"); len(told) == 0 || told[0] != "fast firing" {
		t.Errorf("a minute of errors says %q: want a page", told)
	}
}

func TestOwnAlertsDoNotCount(t *testing.T) {
	all := strategic.Objective{Name: "severe", Target: .999, Window: month, Total: "true", Good: "severity < critical", MinBad: 1}
	tracker := newTracker(t, all)
	for range 100 {
		v := verdict(noon, true)
		v.Source, v.Severity = "hal9", layers.SeverityCritical
		if told := tracker.Observe(v); told != nil {
			t.Fatalf("an alert made alerts: %+v", told)
		}
	}
	if r := tracker.Reports()[0]; r.Total != 0 {
		t.Errorf("%d of HAL9's own signals count", r.Total)
	}
}

// TestOwnObjectivesNeedTimeFirst has HAL9 start with a backlog.
func TestOwnObjectivesNeedTimeFirst(t *testing.T) {
	tracker := newTracker(t)
	var told []layers.Signal
	for i := range 600 {
		v := verdict(noon.Add(time.Duration(i)*time.Second), true)
		v.EventTime, v.ReceivedAt = v.DecidedAt.AddDate(-1, 0, 0).Add(time.Duration(i)*time.Hour), v.DecidedAt.Add(-time.Hour)
		more := tracker.Observe(v)
		if len(more) > 0 && i < 300 {
			t.Fatalf("after %d s it says %+v", i, more)
		}
		told = append(told, more...)
	}
	if diff := cmp.Diff([]string{"fast firing"}, said(told, "hal9-latency")); diff != "" {
		t.Errorf("in ten minutes (-want +got):\n%s", diff)
	}
}

// TestAlertsAreTheSameAfterARestart restores at random places: the same alerts with the same ids, once each.
func TestAlertsAreTheSameAfterARestart(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	whole, broken := newTracker(t, availability(), severe()), newTracker(t, availability(), severe())
	var want, got []layers.Signal
	rate := 0.0
	for i := range 20_000 {
		if i%1000 == 0 {
			rate = []float64{0, 0.001, 0.01, 0.2}[random.IntN(4)]
		}
		v := verdict(noon.Add(time.Duration(i)*20*time.Second-time.Duration(random.IntN(60))*time.Second), random.Float64() >= rate)
		v.Severity = layers.Severity(random.IntN(6))
		want = append(want, whole.Observe(v)...)
		if random.IntN(500) == 0 {
			again := newTracker(t, availability(), severe())
			if err := again.Restore(snapshotOf(t, broken)); err != nil {
				t.Fatal(err)
			}
			broken = again
		}
		got = append(got, broken.Observe(v)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-whole +restored):\n%s", diff)
	}
	ids := map[string]bool{}
	for _, a := range got {
		if ids[a.ID] {
			t.Errorf("id %s comes twice", a.ID)
		}
		ids[a.ID] = true
	}
	if len(ids) < 6 {
		t.Errorf("only %d alerts: the test says little", len(ids))
	}
}

// TestBurnRatesAgainstReference compares the rates of all windows of all alerts with sums over all verdicts: they lie between that of
// the window and that of one bucket less.
func TestBurnRatesAgainstReference(t *testing.T) {
	for _, length := range []time.Duration{time.Hour, 36 * time.Hour, month} {
		t.Run(length.String(), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(length), 9))
			o := availability()
			o.Window, o.Target = length, .5
			tracker := newTracker(t, o)
			var seen []*layers.Verdict
			now, watermark := noon, noon.AddDate(-1, 0, 0)
			for i := range 3000 {
				now = now.Add(time.Duration(random.ExpFloat64() * float64(length) / 20_000))
				v := verdict(now.Add(-time.Duration(random.Float64()*float64(length)/5000)), random.IntN(3) > 0)
				seen = append(seen, v)
				tracker.Observe(v)
				if v.EventTime.After(watermark) {
					watermark = v.EventTime
				}
				if i%50 > 0 {
					continue
				}
				for _, a := range tracker.Reports()[0].Alerts {
					bucket := length / 43_200
					checkBurn(t, a.Name+" short", a.ShortBurn, seen, watermark, time.Duration(a.ShortUS)*time.Microsecond, bucket)
					if a.Name == "slow" {
						bucket = length / 720
					}
					checkBurn(t, a.Name+" long", a.LongBurn, seen, watermark, time.Duration(a.LongUS)*time.Microsecond, bucket)
				}
			}
		})
	}
}

// checkBurn requires a burn rate (of a target of 50 %) that counts within the length, or within up to a bucket less.
func checkBurn(t *testing.T, name string, got float64, seen []*layers.Verdict, watermark time.Time, length, bucket time.Duration) {
	t.Helper()
	most := within(seen, watermark, length+bucket/20)
	least := within(seen, watermark, length-bucket-length/200)
	low := float64(least.total-least.good) / float64(max(1, most.total)) / .5
	high := 10.0
	if least.total > 0 {
		high = float64(most.total-most.good) / float64(least.total) / .5
	}
	if got < low-1e-6 || got > high+1e-6 {
		t.Fatalf("%s burns %v: want %v to %v (%+v to %+v)", name, got, low, high, least, most)
	}
}

func ExampleReport() {
	r := strategic.Report{Alerts: []strategic.AlertState{{Name: "fast", Firing: true}, {Name: "slow"}}}
	fmt.Println(r.FiringAlerts())
	// Output: [fast]
}
