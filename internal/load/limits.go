package load

import (
	"errors"
	"fmt"
	"time"
)

// Limits are what a run must keep to.
type Limits struct {
	P99    time.Duration // of the latency of each operation and of all; 0 for no limit; default 1 s
	Errors float64       // share of all operations that may fail, 0..1; 0 for no limit; default 0.01
}

// DefaultLimits returns the defaults.
func DefaultLimits() Limits { return Limits{P99: time.Second, Errors: 0.01} }

// Validate reports impossible values.
func (l Limits) Validate() error {
	var problems []error
	if l.P99 < 0 || l.P99 > latencyMax {
		problems = append(problems, fmt.Errorf("load: a limit of %s on the latency: want more than 0 and at most an hour, or 0 for none", l.P99))
	}
	if !(l.Errors >= 0 && l.Errors <= 1) {
		problems = append(problems, fmt.Errorf("load: a limit of %g %% on errors: want more than 0 and at most 100 %%, or 0 for none", 100*l.Errors))
	}
	return errors.Join(problems...)
}

// Breaches says what of a result is outside the limits. A run without any operation is, whatever the
// limits.
func (l Limits) Breaches(r *Result) []string {
	if r.All.Count == 0 && r.All.Unfinished == 0 {
		return []string{"no operation was due: nothing is measured"}
	}
	var list []string
	late := func(name string, f *Figures) {
		if l.P99 > 0 && f.P99 > l.P99 {
			list = append(list, fmt.Sprintf("p99 of %s is %s, the limit is %s", name, latencyText(f.P99), l.P99))
		}
	}
	late("all operations", &r.All)
	for i := range r.Operations {
		late(string(r.Operations[i].Operation), &r.Operations[i].Figures)
	}
	if rate := r.All.ErrorRate(); l.Errors > 0 && rate > l.Errors {
		list = append(list, fmt.Sprintf("%s of operations failed, the limit is %s", percentText(rate), percentText(l.Errors)))
	}
	return list
}
