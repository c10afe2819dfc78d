package strategic_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

func newLayer(tb testing.TB, reports ...strategic.Report) *strategic.Layer {
	tb.Helper()
	return newWith(tb, strategic.DefaultConfig(), reports...)
}

func newWith(tb testing.TB, cfg strategic.Config, reports ...strategic.Report) *strategic.Layer {
	tb.Helper()
	l, err := strategic.New(cfg, func() []strategic.Report { return reports }, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// standing is a report of an objective with data.
func standing(name string, remaining, recentBurn float64) strategic.Report {
	return strategic.Report{
		Objective: name, Target: .999, Window: month, Good: 99, Total: 100,
		BudgetRemaining: remaining, BurnRate: 1 - remaining, RecentBurnRate: recentBurn, RecentTotal: 10, RecentGood: 9,
	}
}

// climbed returns an envelope with a planned situation on the key, opened at the time.
func climbed(id, key string, at time.Time) *layers.Envelope {
	return &layers.Envelope{
		Signal:     layers.Signal{ID: "signal-of-" + id, Source: "test", Key: key, Time: at, Severity: layers.SeverityCritical},
		ReceivedAt: at.Add(time.Second),
		Findings: layers.Findings{
			PlanID: "plan-ab12",
			Situation: &layers.Situation{
				ID: id, Event: layers.SituationOpened, Revision: 1, Severity: layers.SeverityCritical, Key: key, Title: "disk full",
				OpenedAt: at, UpdatedAt: at, PlanID: "plan-ab12",
			},
		},
	}
}

func decide(tb testing.TB, l *strategic.Layer, e *layers.Envelope) layers.Decision {
	tb.Helper()
	d, err := l.Decide(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestDecide(t *testing.T) {
	silent := standing("idle", .1, 0)
	silent.Total, silent.Good = 0, 0
	quiet := standing("quiet", .25, 0)
	quiet.RecentTotal = 0
	noSituation := &layers.Envelope{Signal: layers.Signal{ID: "a", Source: "test"}}
	noPlan := climbed("sit-1", "db-1", noon)
	noPlan.Findings.PlanID = ""
	first := "; 1st situation on db-1 to reach L5 in 7 days"
	tests := []struct {
		name     string
		reports  []strategic.Report
		envelope *layers.Envelope
		rule     string
		reason   string
	}{
		{
			"one objective",
			[]strategic.Report{standing("checkout-availability", .62, 1.8)},
			climbed("sit-1", "db-1", noon), "checkout-availability",
			"checkout-availability has 62 % of its error budget left, burning 1.8x: plan plan-ab12 stands" + first,
		},
		{
			"the most endangered first, three at most",
			[]strategic.Report{standing("a", .9, 0), standing("b", .3, 14.43), standing("c", 1, 1), standing("d", .5, 2)},
			climbed("sit-1", "db-1", noon), "b",
			"b has 30 % of its error budget left, burning 14.4x (also d 50 %, a 90 %): plan plan-ab12 stands" + first,
		},
		{
			"spent",
			[]strategic.Report{standing("a", 0, 1)},
			climbed("sit-1", "db-1", noon), "a",
			"a has spent its error budget, burning 1x: plan plan-ab12 stands and is urgent" + first,
		},
		{
			"overspent",
			[]strategic.Report{standing("a", -1.504, 30)},
			climbed("sit-1", "db-1", noon), "a",
			"a has overspent its error budget by 150.4 %, burning 30x: plan plan-ab12 stands and is urgent" + first,
		},
		{
			"nothing recent to burn",
			[]strategic.Report{quiet},
			climbed("sit-1", "db-1", noon), "quiet",
			"quiet has 25 % of its error budget left: plan plan-ab12 stands" + first,
		},
		{
			"no data",
			[]strategic.Report{silent},
			climbed("sit-1", "db-1", noon), "",
			"no objective has data yet: plan plan-ab12 stands" + first,
		},
		{
			"no plan",
			[]strategic.Report{standing("a", .5, 1)},
			noPlan, "a",
			"a has 50 % of its error budget left, burning 1x: nobody planned situation sit-1, a person must look" + first,
		},
		{
			"no situation",
			[]strategic.Report{standing("a", .5, 1)},
			noSituation, "a",
			"a has 50 % of its error budget left, burning 1x: no situation came with this signal, nothing to review",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := layers.Decision{Disposition: layers.DispositionResolved, Rule: test.rule, Reason: test.reason}
			if diff := cmp.Diff(want, decide(t, newLayer(t, test.reports...), test.envelope)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// nth returns what the reason says about how often the key was here, such as "3rd".
func nth(tb testing.TB, l *strategic.Layer, e *layers.Envelope) string {
	tb.Helper()
	_, trend, _ := strings.Cut(decide(tb, l, e).Reason, "; ")
	count, _, _ := strings.Cut(trend, " ")
	return count
}

func TestTrends(t *testing.T) {
	l := newLayer(t)
	on := func(id string, days float64) *layers.Envelope {
		return climbed(id, "db-1", noon.Add(time.Duration(days*float64(day))))
	}
	steps := []struct {
		name     string
		envelope *layers.Envelope
		want     string
	}{
		{"first", on("a", 0), "1st"},
		{"the same day", on("b", .1), "2nd"},
		{"it worsens", on("b", .1), "2nd"},
		{"another key", climbed("x", "db-2", noon), "1st"},
		{"six days later", on("c", 6), "3rd"},
		{"out of order, its own seven days", on("d", 5), "3rd"},
		{"the first two are a week ago", on("e", 7), "3rd"},
		{"too old to say", on("f", 0), ""},
		{"the old one was not counted", on("g", 7), "4th"},
		{"long after", on("h", 100), "1st"},
	}
	for _, step := range steps {
		if got := nth(t, l, step.envelope); got != step.want {
			t.Errorf("%s: %q situation: want %q", step.name, got, step.want)
		}
	}
}

func TestTrendIgnoresTimesInTheFuture(t *testing.T) {
	l := newLayer(t)
	nth(t, l, climbed("a", "db-1", noon))
	e := climbed("b", "db-1", noon.Add(time.Hour))
	e.Findings.Situation.OpenedAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := nth(t, l, e); got != "2nd" {
		t.Errorf("a situation from the year 9999 is the %q: want it counted where it was received", got)
	}
	if got := nth(t, l, climbed("c", "db-1", noon.Add(2*time.Hour))); got != "3rd" {
		t.Errorf("then the %q: want 3rd", got)
	}
}

func TestOrdinals(t *testing.T) {
	l := newLayer(t)
	var got []string
	for i := range 113 {
		word := nth(t, l, climbed(strconv.Itoa(i), "db-1", noon))
		if i < 4 || i >= 9 && i < 13 || i >= 20 && i < 23 || i >= 110 {
			got = append(got, word)
		}
	}
	want := strings.Fields("1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 23rd 111th 112th 113th")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ordinals (-want +got):\n%s", diff)
	}
}

// TestTrendsForgetTheKeyReviewedLongestAgo keeps two keys.
func TestTrendsForgetTheKeyReviewedLongestAgo(t *testing.T) {
	cfg := strategic.DefaultConfig()
	cfg.MaxKeys = 2
	l := newWith(t, cfg)
	var got []string
	for i, key := range []string{"a", "b", "a", "c", "a", "b"} {
		got = append(got, nth(t, l, climbed(strconv.Itoa(i), key, noon)))
	}
	if diff := cmp.Diff([]string{"1st", "1st", "2nd", "1st", "3rd", "1st"}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestTrendOfABusyKeyStaysSmall(t *testing.T) {
	l := newLayer(t)
	for i := range 5000 {
		decide(t, l, climbed("sit-"+strconv.Itoa(i), "db-1", noon))
	}
	if size := len(snapshotOf(t, l)); size > 500 {
		t.Errorf("one key takes %d bytes of the snapshot: want a few counts", size)
	}
}

func TestNewNeedsReports(t *testing.T) {
	if _, err := strategic.New(strategic.DefaultConfig(), nil, nil); err == nil || !strings.Contains(err.Error(), "strategic: no reports") {
		t.Errorf("New without reports: %v", err)
	}
}
