package strategic

import (
	"errors"
	"fmt"
)

// Config says which objectives are tracked and how long trends are kept.
type Config struct {
	// Objectives are tracked beside the built-in ones (BuiltIn), which they replace where they have their names.
	// Default none, at most 50.
	Objectives []Objective
	// Metrics are counted over signals. Default none, at most 50.
	Metrics []Metric
	// MaxKeys is how many keys have a trend, 1 to 1,000,000; the one reviewed longest ago is
	// forgotten first. Default 10,000.
	MaxKeys int
	// TrendDays is over how many days of event time situations are counted, 1 to 90. Default 7.
	TrendDays int
	// MaxSeries is of how many series (the signals of a key, or the values of a source and type of it) daily trends are
	// kept, 1 to 100,000; the one that was quiet for longest is forgotten first. Default 2,000.
	MaxSeries int
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{MaxKeys: 10_000, TrendDays: 7, MaxSeries: 2000}
}

// Validate reports everything that is wrong with c; the expressions of objectives are compiled
// by NewTracker.
func (c Config) Validate() error {
	problems := []error{validateObjectives(c.Objectives), validateMetrics(c.Metrics)}
	if c.MaxKeys < 1 || c.MaxKeys > 1_000_000 {
		problems = append(problems, fmt.Errorf("strategic: max_keys is %d: want 1 to 1000000 keys", c.MaxKeys))
	}
	if c.TrendDays < 1 || c.TrendDays > 90 {
		problems = append(problems, fmt.Errorf("strategic: trend_days is %d: want 1 to 90 days", c.TrendDays))
	}
	if c.MaxSeries < 1 || c.MaxSeries > 100_000 {
		problems = append(problems, fmt.Errorf("strategic: max_series is %d: want 1 to 100000 series", c.MaxSeries))
	}
	return errors.Join(problems...)
}
