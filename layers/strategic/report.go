package strategic

import (
	"encoding/json"
	"math"
	"time"
)

// Report says how an objective stands.
type Report struct {
	Objective   string
	Description string
	From        string        // verdicts, signals or situations
	Target      float64       // share of good that is wanted
	Window      time.Duration // rolling; JSON: window_us
	Good, Total uint64        // verdicts in the window
	// BudgetRemaining is the share of the error budget that is left: 1 full, 0 spent, negative
	// overspent; 1 where nothing was counted yet.
	BudgetRemaining float64
	// BurnRate is how fast the budget is spent over the whole window: 1 spends exactly all of it.
	BurnRate float64
	// RecentBurnRate is BurnRate over the newest 1/720 to 2/720 of the window (of 30 days: the
	// last one to two hours); 0 where nothing was counted in it.
	RecentBurnRate float64
	RecentGood     uint64
	RecentTotal    uint64
	RecentWindow   time.Duration // the longest that "recent" is; JSON: recent_window_us
	Late           uint64        // verdicts ignored because they were older than the window
	Watermark      time.Time     // where the window ends; zero where nothing was seen
	Alerts         []AlertState  // how its burn-rate alerts stand
}

// reportJSON is a Report as it leaves the system: durations in microseconds.
type reportJSON struct {
	Objective       string    `json:"objective"`
	Description     string    `json:"description,omitempty"`
	From            string    `json:"from,omitempty"`
	Target          float64   `json:"target"`
	WindowUS        int64     `json:"window_us"`
	Good            uint64    `json:"good"`
	Total           uint64    `json:"total"`
	BudgetRemaining float64   `json:"budget_remaining"`
	BurnRate        float64   `json:"burn_rate"`
	RecentBurnRate  float64   `json:"recent_burn_rate"`
	RecentGood      uint64    `json:"recent_good"`
	RecentTotal     uint64    `json:"recent_total"`
	RecentWindowUS  int64     `json:"recent_window_us"`
	Late            uint64    `json:"late"`
	Watermark       time.Time `json:"watermark,omitzero"`

	Alerts []AlertState `json:"alerts,omitempty"`
}

// MarshalJSON writes snake_case names and durations in microseconds.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(reportJSON{
		Objective: r.Objective, Description: r.Description, From: r.From,
		Target: r.Target, WindowUS: r.Window.Microseconds(),
		Good: r.Good, Total: r.Total, BudgetRemaining: r.BudgetRemaining, BurnRate: r.BurnRate,
		RecentBurnRate: r.RecentBurnRate, RecentGood: r.RecentGood, RecentTotal: r.RecentTotal,
		RecentWindowUS: r.RecentWindow.Microseconds(), Late: r.Late, Watermark: r.Watermark, Alerts: r.Alerts,
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Report) UnmarshalJSON(data []byte) error {
	var j reportJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*r = Report{
		Objective: j.Objective, Description: j.Description, From: j.From, Alerts: j.Alerts,
		Target: j.Target, Window: time.Duration(j.WindowUS) * time.Microsecond,
		Good: j.Good, Total: j.Total, BudgetRemaining: j.BudgetRemaining, BurnRate: j.BurnRate,
		RecentBurnRate: j.RecentBurnRate, RecentGood: j.RecentGood, RecentTotal: j.RecentTotal,
		RecentWindow: time.Duration(j.RecentWindowUS) * time.Microsecond, Late: j.Late, Watermark: j.Watermark,
	}
	return nil
}

// burnRate is the share of bad in total over the share of bad that the target allows (Google,
// "The Site Reliability Workbook", chapter 5). It is rounded to nine digits, so that 0.1 % bad
// of 99.9 % is exactly 1, which 1-0.999 in binary is not.
func (c count) burnRate(target float64) float64 {
	if c.Total == 0 {
		return 0
	}
	burn := float64(c.Total-c.Good) / float64(c.Total) / (1 - target)
	return math.Round(burn*1e9) / 1e9
}
