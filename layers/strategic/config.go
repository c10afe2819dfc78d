package strategic

import (
	"errors"
	"fmt"
)

// Config says which objectives are tracked and how long trends are kept.
type Config struct {
	// Objectives are tracked over verdicts. Where there are none, the built-in one is:
	// "hal9-decided", 99.9 % of all signals decided and not dead, over 720 h.
	Objectives []Objective
	// MaxKeys is how many keys have a trend, 1 to 1,000,000; the one reviewed longest ago is
	// forgotten first. Default 10,000.
	MaxKeys int
	// TrendDays is over how many days of event time situations are counted, 1 to 90. Default 7.
	TrendDays int
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{Objectives: builtIn(), MaxKeys: 10_000, TrendDays: 7}
}

// Validate reports everything that is wrong with c; the expressions of objectives are compiled
// by NewTracker.
func (c Config) Validate() error {
	problems := []error{validateObjectives(c.Objectives)}
	if c.MaxKeys < 1 || c.MaxKeys > 1_000_000 {
		problems = append(problems, fmt.Errorf("strategic: max_keys is %d: want 1 to 1000000 keys", c.MaxKeys))
	}
	if c.TrendDays < 1 || c.TrendDays > 90 {
		problems = append(problems, fmt.Errorf("strategic: trend_days is %d: want 1 to 90 days", c.TrendDays))
	}
	return errors.Join(problems...)
}
