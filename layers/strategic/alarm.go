package strategic

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// burnRule is one alert on the burn rate over two windows: the long one says that it matters, the short one that it goes on.
// Rules, factors and windows are those of Google's "The Site Reliability Workbook", chapter 5, table 5-8. They are given for 30
// days and scale with the objective's window, so that each spends the same share of the budget: 2 %, 5 % and 10 %.
type burnRule struct {
	name        string
	severity    layers.Severity
	factor      float64
	long, short time.Duration // where the window has 30 days
}

const (
	workbookWindow = 30 * 24 * time.Hour
	pageSeverity   = layers.SeverityCritical
	ticketSeverity = layers.SeverityWarning
)

// burnRules are the alerts of each objective.
func burnRules() [3]burnRule {
	return [3]burnRule{
		{"fast", pageSeverity, 14.4, time.Hour, 5 * time.Minute},
		{"medium", pageSeverity, 6, 6 * time.Hour, 30 * time.Minute},
		{"slow", ticketSeverity, 1, 3 * 24 * time.Hour, 6 * time.Hour},
	}
}

// of scales a duration to an objective's window.
func (r *burnRule) of(d, window time.Duration) time.Duration {
	return time.Duration(float64(d) / float64(workbookWindow) * float64(window)).Round(time.Millisecond)
}

// alarm is how one alert of an objective stands.
type alarm struct {
	firing bool
	onset  int64 // when it began to fire, Unix milliseconds of event time
}

// burns returns the counts of each rule's long and short window.
func (s *slo) burns() [3][2]count {
	return [3][2]count{
		{s.fine.sums[1], s.fine.sums[3]},
		{s.fine.sums[0], s.fine.sums[2]},
		{s.window.sums[1], s.fine.sums[0]},
	}
}

// AlertState is how one alert of an objective stands.
type AlertState struct {
	Name      string    `json:"name"` // fast, medium or slow
	Severity  string    `json:"severity"`
	Factor    float64   `json:"factor"` // it fires where both burn rates reach it
	LongBurn  float64   `json:"long_burn_rate"`
	ShortBurn float64   `json:"short_burn_rate"`
	LongUS    int64     `json:"long_window_us"`
	ShortUS   int64     `json:"short_window_us"`
	Firing    bool      `json:"firing"`
	Since     time.Time `json:"since,omitzero"` // event time
}

// ring asks every alert of the objective at the watermark and returns what changed, as signals. An alert stops no
// sooner than its short window after it began, so it cannot flutter faster than that.
func (s *slo) ring() (told []layers.Signal) {
	burns, watermark := s.burns(), s.watermark
	for i, rule := range burnRules() {
		a := &s.alarms[i]
		long, short := burns[i][0], burns[i][1]
		burning := long.burnRate(s.Target) >= rule.factor && short.burnRate(s.Target) >= rule.factor &&
			long.Total-long.Good >= s.minBad() && !s.young(&rule)
		switch {
		case burning && !a.firing:
			a.firing, a.onset = true, watermark
			told = append(told, s.alert(&rule, a, watermark, long, short))
		case !burning && a.firing && watermark-a.onset >= rule.of(rule.short, s.Window).Milliseconds():
			a.firing = false
			told = append(told, s.alert(&rule, a, watermark, long, short))
		}
	}
	return told
}

// young reports whether an objective of HAL9's own has been watched for less than the alert's short window: a start, and what
// waited for it, is no reason to wake anybody.
func (s *slo) young(rule *burnRule) bool {
	return s.byDecision() && s.watermark-s.first < rule.of(rule.short, s.Window).Milliseconds()
}

// alert is the signal that says that an alert fires or is over. Its id is made from objective, alert and onset.
func (s *slo) alert(rule *burnRule, a *alarm, at int64, long, short count) layers.Signal {
	status, severity := "firing", rule.severity
	if !a.firing {
		status, severity = "resolved", layers.SeverityInfo
	}
	onset := strconv.FormatInt(a.onset, 10)
	text := fmt.Sprintf("objective %s burns its error budget %sx as fast as it may (%s over %s, %s over %s)", s.Name,
		short1(short.burnRate(s.Target)), share(long), rule.of(rule.long, s.Window), share(short), rule.of(rule.short, s.Window))
	if !a.firing {
		text = fmt.Sprintf("objective %s burns its error budget no longer %sx as fast as it may", s.Name, short1(rule.factor))
	}
	return layers.Signal{
		ID: "slo." + s.Name + "." + rule.name + "." + onset + "." + status, Source: OwnSource, Type: "alert", Key: ownKey + s.Name,
		Time: time.UnixMilli(at).UTC(), Severity: severity, Text: text,
		Labels: map[string]string{
			"alertname": "ErrorBudgetBurn", "alertstatus": status, "objective": s.Name, "burn": rule.name, "severity": rule.severity.String(),
			"long_window": rule.of(rule.long, s.Window).String(), "short_window": rule.of(rule.short, s.Window).String(),
		},
	}
}

// OwnSource is the source of HAL9's own signals. No objective counts them: an alert must not feed itself.
const OwnSource = "hal9"

// ownKey begins the keys of these signals, and so of situations about them.
const ownKey = "slo:"

func short1(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// share says how many of the events were bad.
func share(c count) string { return fmt.Sprintf("%d bad of %d", c.Total-c.Good, c.Total) }

// states says how the alerts stand.
func (s *slo) states() []AlertState {
	burns := s.burns()
	list := make([]AlertState, 0, len(s.alarms))
	for i, rule := range burnRules() {
		state := AlertState{
			Name: rule.name, Severity: rule.severity.String(), Factor: rule.factor, Firing: s.alarms[i].firing,
			LongBurn: burns[i][0].burnRate(s.Target), ShortBurn: burns[i][1].burnRate(s.Target),
			LongUS: rule.of(rule.long, s.Window).Microseconds(), ShortUS: rule.of(rule.short, s.Window).Microseconds(),
		}
		if state.Firing {
			state.Since = time.UnixMilli(s.alarms[i].onset).UTC()
		}
		list = append(list, state)
	}
	return list
}

// FiringAlerts names the alerts that fire, the most urgent first.
func (r *Report) FiringAlerts() []string {
	var names []string
	for _, a := range r.Alerts {
		if a.Firing {
			names = append(names, a.Name)
		}
	}
	return slices.Clip(names)
}
