package tactical

import (
	"errors"
	"fmt"
	"time"
)

// Council says how plans with actions are agreed on and within which bounds they are executed.
type Council struct {
	Voters   int           `yaml:"voters"`   // 1 to 15, default 5
	Quorum   int           `yaml:"quorum"`   // yes that it takes, more than half of the voters; default 3
	Timeout  time.Duration `yaml:"timeout"`  // after which a plan without a quorum is rejected; 1s to 1h, default 30s
	Within   time.Duration `yaml:"within"`   // after the agreement for which an action may be tried; 1s to 1d, default 10m
	Attempts int           `yaml:"attempts"` // at an action that its target does not take; 1 to 100, default 5
	PerKey   int           `yaml:"per_key"`  // plans with actions for one key within window; 1 to 10,000, default 20
	InAll    int           `yaml:"in_all"`   // and for all keys together; 1 to 10,000, default 2,000
	Window   time.Duration `yaml:"window"`   // of these two, and of what went wrong lately; 1m to 1d, default 1h
}

// DefaultCouncil returns the documented defaults.
func DefaultCouncil() Council {
	return Council{
		Voters: 5, Quorum: 3, Timeout: 30 * time.Second, Within: 10 * time.Minute, Attempts: 5,
		PerKey: 20, InAll: 2000, Window: time.Hour,
	}
}

const day = 24 * time.Hour

// Validate reports every impossible value.
func (c Council) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("tactical: "+format, args...))
	}
	number := func(name string, n, most int) {
		if n < 1 || n > most {
			wrong("%s is %d: want 1 to %d", name, n, most)
		}
	}
	length := func(name string, d, least, most time.Duration) {
		if d < least || d > most {
			wrong("%s is %s: want %s to %s", name, d, least, most)
		}
	}
	number("voters", c.Voters, maxVoters)
	if c.Quorum <= c.Voters/2 || c.Quorum > c.Voters {
		wrong("quorum is %d: want more than half of the %d voters and no more than all", c.Quorum, c.Voters)
	}
	length("timeout", c.Timeout, time.Second, time.Hour)
	length("within", c.Within, time.Second, day)
	number("attempts", c.Attempts, 100)
	number("per_key", c.PerKey, maxHistory)
	number("in_all", c.InAll, maxHistory)
	length("window", c.Window, time.Minute, day)
	return errors.Join(problems...)
}

const maxVoters = 15

// Outcome says what yes and no votes come to; decided is false where more are needed.
func (c Council) Outcome(yes, no int) (agreed, decided bool) {
	return yes >= c.Quorum, yes >= c.Quorum || no > c.Voters-c.Quorum
}
