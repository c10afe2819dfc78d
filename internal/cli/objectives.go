package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// Objectives shows how the objectives stand.
type Objectives struct {
	Bus    *bus.Bus
	Screen Screen
	JSON   bool
}

// Run prints the objectives as L5 last reported them.
func (o *Objectives) Run(ctx context.Context) error {
	all, err := ReportedObjectives(ctx, o.Bus)
	if err != nil {
		return err
	}
	if o.JSON {
		return writeJSON(o.Screen.Out, append([]strategic.Report{}, all...))
	}
	if len(all) == 0 {
		fmt.Fprintln(o.Screen.Out, "no process has reported objectives yet: L5 does so once it runs")
		return nil
	}
	table := tabwriter.NewWriter(o.Screen.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OBJECTIVE\tFROM\tTARGET\tWINDOW\tGOOD / TOTAL\tBUDGET LEFT\tBURN 1h 6h 3d*\tALERTS")
	for i := range all {
		r := &all[i]
		fmt.Fprintf(table, "%s\t%s\t%s %%\t%s\t%d / %d\t%s\t%s\t%s\n", clean(r.Objective), r.From, percentText(r.Target), daysText(r.Window), r.Good, r.Total,
			budgetText(r), burnText(r), alertText(r))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("cli: print the objectives: %w", err)
	}
	fmt.Fprintln(o.Screen.Out, o.Screen.dim("* of a window of 30 days; others scale with it"))
	return nil
}

// ReportedObjectives returns how the objectives stand, as L5 last said.
func ReportedObjectives(ctx context.Context, b *bus.Bus) (all []strategic.Report, err error) {
	for _, key := range pipeline.ObjectiveStages() {
		data, err := b.Reported(ctx, bus.ReportsOf(key))
		if err != nil {
			return nil, err
		}
		if data == nil {
			continue
		}
		var reports []strategic.Report
		if err := json.Unmarshal(data, &reports); err != nil {
			return nil, fmt.Errorf("cli: objectives as reported: %w", err)
		}
		all = append(all, reports...)
	}
	return all, nil
}

func percentText(share float64) string { return strconv.FormatFloat(100*share, 'f', -1, 32) }

func daysText(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

func budgetText(r *strategic.Report) string {
	if r.Total == 0 {
		return "no data"
	}
	return strconv.FormatFloat(100*r.BudgetRemaining, 'f', 1, 64) + " %"
}

// burnText says the burn rates of the alerts' long windows.
func burnText(r *strategic.Report) string {
	var rates []string
	for _, a := range r.Alerts {
		rates = append(rates, strconv.FormatFloat(a.LongBurn, 'f', 1, 64)+"x")
	}
	return strings.Join(rates, " ")
}

func alertText(r *strategic.Report) string {
	var firing []string
	for _, a := range r.Alerts {
		if a.Firing {
			firing = append(firing, fmt.Sprintf("%s (%s) since %s", a.Name, a.Severity, a.Since.Format(time.RFC3339)))
		}
	}
	return cmp.Or(strings.Join(slices.Compact(firing), ", "), "-")
}
