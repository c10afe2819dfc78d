package strategic_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers/strategic"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := strategic.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if _, err := strategic.NewTracker(strategic.DefaultConfig(), expressions()); err != nil {
		t.Error(err)
	}
}

func TestObjectiveProblems(t *testing.T) {
	tests := []struct {
		name   string
		change func(o *strategic.Objective)
		want   string
	}{
		{"no name", func(o *strategic.Objective) { o.Name = "" }, `objectives[1].name is "": want one line of 1 to 80 bytes`},
		{"a long name", func(o *strategic.Objective) { o.Name = strings.Repeat("n", 81) }, "objectives[1].name is"},
		{"a name twice", func(o *strategic.Objective) { o.Name = "availability" }, `objectives[1].name is "availability", the name of objectives[0]`},
		{"target 1", func(o *strategic.Objective) { o.Target = 1 }, "objectives[1].target is 1: want more than 0 and less than 1"},
		{"target 0", func(o *strategic.Objective) { o.Target = 0 }, "objectives[1].target is 0"},
		{"target in percent", func(o *strategic.Objective) { o.Target = 99.9 }, "objectives[1].target is 99.9"},
		{"target that is no number", func(o *strategic.Objective) { o.Target = math.NaN() }, "objectives[1].target is NaN"},
		{"window too short", func(o *strategic.Objective) { o.Window = time.Hour - 1 }, "objectives[1].window is 59m59.999999999s: want 1h to 8784h"},
		{"window too long", func(o *strategic.Objective) { o.Window = 366*day + 1 }, "objectives[1].window is"},
		{"no total", func(o *strategic.Objective) { o.Total = " " }, "objectives[1].total is empty"},
		{"no good", func(o *strategic.Objective) { o.Good = "" }, "objectives[1].good is empty"},
		{"total that does not compile", func(o *strategic.Objective) { o.Total = "sauce == 1" }, `objectives[1].total of "second"`},
		{"good that does not compile", func(o *strategic.Objective) { o.Good = "1 +" }, `objectives[1].good of "second"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			second := availability()
			second.Name = "second"
			test.change(&second)
			cfg := strategic.DefaultConfig()
			cfg.Objectives = []strategic.Objective{availability(), second}
			_, err := strategic.NewTracker(cfg, expressions())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

func TestWindowLimitsAreAllowed(t *testing.T) {
	for _, window := range []time.Duration{time.Hour, 366 * day} {
		o := availability()
		o.Window = window
		tracker := newTracker(t, o)
		observe(tracker, noon, 10, 0)
		if r := tracker.Reports()[0]; r.Total != 10 || r.Window != window {
			t.Errorf("window %s: %+v", window, r)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	cfg := strategic.Config{MaxKeys: -1, TrendDays: 91, Objectives: []strategic.Objective{{}}}
	err := cfg.Validate()
	for _, part := range []string{"max_keys is -1", "trend_days is 91", "objectives[0].name", "objectives[0].target"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
	if _, err := strategic.New(cfg, func() []strategic.Report { return nil }, nil); err == nil {
		t.Error("New took an invalid configuration")
	}
}
