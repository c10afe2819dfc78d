package strategic

import "time"

// slo is one objective with what was counted for it.
type slo struct {
	Objective
	window    *window  // all of it
	fine      *window  // its newest part, for alerts
	alarms    [3]alarm // as burnRules
	watermark int64    // the latest time seen, Unix milliseconds
	first     int64    // the first time seen
	seen      bool
}

func newSLO(o Objective) *slo {
	return &slo{Objective: o, window: newWindow(o.Window), fine: newFine(o.Window)}
}

// pass lets time pass, and reports whether that can have changed an alert.
func (s *slo) pass(ms int64) bool {
	if !s.seen {
		s.first = ms
	}
	if ms > s.watermark || !s.seen {
		s.watermark, s.seen = ms, true
	}
	s.window.advance(s.watermark)
	return s.fine.advance(s.watermark)
}

// count counts one event.
func (s *slo) count(ms int64, good bool) {
	s.window.add(ms, good)
	s.fine.add(ms, good)
}

// report says how the objective stands.
func (s *slo) report() Report {
	var watermark time.Time
	if s.seen {
		watermark = time.UnixMilli(s.watermark).UTC()
	}
	sum, recent := s.window.sum(), s.window.recent()
	burn := sum.burnRate(s.Target)
	return Report{
		Objective: s.Name, Description: s.Description, From: s.from(), Target: s.Target, Window: s.Window,
		Good: sum.Good, Total: sum.Total, BudgetRemaining: 1 - burn, BurnRate: burn,
		RecentBurnRate: recent.burnRate(s.Target), RecentGood: recent.Good, RecentTotal: recent.Total,
		RecentWindow: 2 * time.Duration(s.window.width) * time.Millisecond,
		Late:         s.window.late, Watermark: watermark, Alerts: s.states(),
	}
}
