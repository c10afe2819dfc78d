package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// Trends is the performance trends report: HAL9's own performance over time, the objectives, and what changed about keys.
type Trends struct {
	Bus    *bus.Bus
	Screen Screen
	By     string // minute, hour or day
	Last   int    // so many of them; 0 for all
	JSON   bool
}

// TrendsReport is what --json prints.
type TrendsReport struct {
	By         string             `json:"by"`
	Periods    []strategic.Period `json:"periods"` // the oldest first
	Objectives []strategic.Report `json:"objectives"`
	Changes    []strategic.Change `json:"changes"` // the largest first
	Series     int                `json:"series"`  // of which trends are kept
}

// Run prints the report as L5 last told it.
func (t *Trends) Run(ctx context.Context) error {
	data, err := t.Bus.Outlook(ctx)
	if err != nil {
		return err
	}
	report := TrendsReport{By: t.By, Periods: []strategic.Period{}, Changes: []strategic.Change{}}
	if data != nil {
		var o strategic.Outlook
		if err := json.Unmarshal(data, &o); err != nil {
			return fmt.Errorf("cli: trends as reported: %w", err)
		}
		report.take(&o, t.Last)
	}
	if report.Objectives, err = ReportedObjectives(ctx, t.Bus); err != nil {
		return err
	}
	if t.JSON {
		return writeJSON(t.Screen.Out, report)
	}
	if data == nil {
		fmt.Fprintln(t.Screen.Out, "no process has reported trends yet: L5 does so within seconds of its start")
		return nil
	}
	return t.print(&report)
}

func (r *TrendsReport) take(o *strategic.Outlook, last int) {
	periods := map[string][]strategic.Period{"minute": o.Minutes, "hour": o.Hours, "day": o.Days}[r.By]
	if last > 0 && len(periods) > last {
		periods = periods[len(periods)-last:]
	}
	r.Periods = append(r.Periods, periods...)
	r.Changes = append(r.Changes, o.Changes...)
	r.Series = o.Series
}

// How many rows are printed for people at most.
const changesShown = 20

func (t *Trends) print(r *TrendsReport) error {
	out := t.Screen.Out
	fmt.Fprintf(out, "%s\n", t.Screen.bold("HAL9's performance by "+t.By+" (UTC)"))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "FROM\tSIGNALS\tPER S\tDEAD\tP50\tP99\tQUEUES L1..L5\tCOMPRESSION L1..L5\tPROCESS P99 L1..L5\tWAIT P99 L1..L5\tLEAST BUDGET\t")
	for i := range r.Periods {
		p := &r.Periods[i]
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", p.Begin.Format(layoutOf(r.By)), p.Signals, number(p.PerSecond), p.Dead,
			microseconds(p.LatencyP50), microseconds(p.LatencyP99),
			perLayer(p, func(l strategic.PeriodOfLayer) string { return strconv.FormatUint(l.Depth, 10) }),
			perLayer(p, func(l strategic.PeriodOfLayer) string { return ratio(l) }),
			perLayer(p, func(l strategic.PeriodOfLayer) string { return microseconds(l.ProcessP99) }),
			perLayer(p, func(l strategic.PeriodOfLayer) string { return microseconds(l.WaitP99) }),
			leastBudget(p))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("cli: print the trends: %w", err)
	}
	if len(r.Periods) == 0 {
		fmt.Fprintln(out, "nothing yet")
	}
	t.printBudgets(out, r)
	t.printChanges(out, r)
	return nil
}

func (t *Trends) printBudgets(out io.Writer, r *TrendsReport) {
	fmt.Fprintf(out, "\n%s\n", t.Screen.bold("Objectives"))
	for i := range r.Objectives {
		o := &r.Objectives[i]
		fmt.Fprintf(out, "  %s: %s of its budget left over %s, alerts: %s\n", o.Objective, budgetText(o), daysText(o.Window), alertText(o))
	}
}

func (t *Trends) printChanges(out io.Writer, r *TrendsReport) {
	fmt.Fprintf(out, "\n%s\n", t.Screen.bold(fmt.Sprintf("What changed about keys (of %d daily series)", r.Series)))
	for i := range r.Changes[:min(len(r.Changes), changesShown)] {
		c := &r.Changes[i]
		fmt.Fprintf(out, "  %s: %s (%s deviations, %d days)\n", clean(c.Key), clean(c.String()), number(c.Shift), c.Days)
	}
	switch more := len(r.Changes) - changesShown; {
	case len(r.Changes) == 0:
		fmt.Fprintln(out, "  nothing; a change shows after three days on both sides of it")
	case more > 0:
		fmt.Fprintf(out, "  and %d more: --json\n", more)
	}
}

func layoutOf(by string) string {
	if by == "day" {
		return time.DateOnly
	}
	return "01-02 15:04"
}

func perLayer(p *strategic.Period, show func(strategic.PeriodOfLayer) string) string {
	var parts []string
	for _, layer := range layers.Names() {
		parts = append(parts, show(p.Layers[layer]))
	}
	return strings.Join(parts, " ")
}

func ratio(l strategic.PeriodOfLayer) string {
	if l.Out == 0 {
		return "-"
	}
	return strconv.FormatFloat(l.Compression, 'f', 1, 64)
}

func leastBudget(p *strategic.Period) string {
	least, name := 0.0, ""
	for objective, left := range p.Budgets {
		if name == "" || left < least || left == least && objective < name {
			least, name = left, objective
		}
	}
	if name == "" {
		return "-"
	}
	return name + " " + strconv.FormatFloat(100*least, 'f', 1, 64) + "%"
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }

// microseconds writes a duration in three digits.
func microseconds(us int64) string {
	switch d := time.Duration(us) * time.Microsecond; {
	case us == 0:
		return "-"
	case d < time.Millisecond:
		return strconv.FormatInt(us, 10) + "µs"
	case d < time.Second:
		return number(float64(us)/1e3) + "ms"
	default:
		return number(float64(us)/1e6) + "s"
	}
}
