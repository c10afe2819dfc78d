package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// watchObjectives publishes the error budgets where this process counts them, and reads them
// where another does.
func (a *App) watchObjectives(ctx context.Context) {
	if !a.runs(layers.NameL5) && !a.cfg.Whole {
		return
	}
	if a.runs(layers.NameL5) {
		a.metrics.ServeBusiness(a.business)
	}
	every(ctx, objectivePeriod, func(ctx context.Context) {
		var all []strategic.Report
		var failed []error
		for _, key := range pipeline.ObjectiveStages() {
			reports, err := a.exchangeReports(ctx, key)
			all, failed = append(all, reports...), append(failed, err)
		}
		if err := errors.Join(failed...); err != nil {
			a.log.DebugContext(ctx, "objectives not exchanged", "error", err)
			return
		}
		a.reports.Store(&all)
		for i := range all {
			a.metrics.SetObjective(objectiveOf(&all[i]))
		}
	})
}

func objectiveOf(r *strategic.Report) telemetry.Objective {
	o := telemetry.Objective{Name: r.Objective, BudgetRemaining: r.BudgetRemaining, BurnRate: r.BurnRate, Alerts: map[string]bool{}}
	for _, alert := range r.Alerts {
		o.Alerts[alert.Name] = alert.Firing
	}
	return o
}

func (a *App) exchangeReports(ctx context.Context, key pipeline.StageKey) (reports []strategic.Report, err error) {
	at := bus.ReportsOf(key)
	if tracker := a.counting(key); tracker != nil {
		reports = tracker.Reports()
		data, err := json.Marshal(reports)
		if err != nil {
			return nil, err
		}
		return reports, a.bus.Report(ctx, at, data)
	}
	data, err := a.bus.Reported(ctx, at)
	if err != nil || data == nil {
		return nil, err
	}
	return reports, json.Unmarshal(data, &reports)
}

// counting returns the tracker of an objectives' stage where this process works on it now, else nil.
func (a *App) counting(key pipeline.StageKey) *strategic.Tracker {
	for _, runner := range a.runners {
		if runner.Key() != key || !runner.Working() {
			continue
		}
		if key.Situations {
			return a.situations.Load()
		}
		return a.tracker.Load()
	}
	return nil
}

// verdictsCounted returns the tracker that is fed by verdicts, nil where another process has it.
func (a *App) verdictsCounted() *strategic.Tracker { return a.counting(pipeline.ObjectiveStages()[0]) }

// lastReports is what L5 reviews against.
func (a *App) lastReports() []strategic.Report {
	var all []strategic.Report
	for _, key := range pipeline.ObjectiveStages() {
		if tracker := a.counting(key); tracker != nil {
			all = append(all, tracker.Reports()...)
			continue
		}
		if reports := a.reports.Load(); reports != nil {
			for _, r := range *reports {
				if (r.From == strategic.FromSituations) == key.Situations {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// watchOutlook publishes the long view where this process counts, and reads it where another does. It takes no more than a
// twentieth of its time.
func (a *App) watchOutlook(ctx context.Context) {
	if !a.runs(layers.NameL5) {
		return
	}
	var rest time.Time
	every(ctx, outlookPeriod, func(ctx context.Context) {
		began := time.Now()
		if began.Before(rest) {
			return
		}
		if err := a.exchangeOutlook(ctx); err != nil {
			a.log.DebugContext(ctx, "trends not exchanged", "error", err)
		}
		rest = time.Now().Add(20 * time.Since(began))
	})
}

func (a *App) exchangeOutlook(ctx context.Context) error {
	tracker := a.verdictsCounted()
	if tracker == nil {
		outlook, err := a.bus.Outlook(ctx)
		if err == nil && outlook != nil {
			var o strategic.Outlook
			if err = json.Unmarshal(outlook, &o); err == nil {
				a.outlook.Store(&o)
			}
		}
		return err
	}
	depth := map[layers.Name]uint64{}
	for _, layer := range layers.Names() {
		if load, err := a.gauge.Read(ctx, layer); err == nil {
			depth[layer] = load.Depth()
		}
	}
	tracker.Sample(time.Now(), depth, a.lastReports())
	outlook := tracker.Outlook()
	a.outlook.Store(&outlook)
	data, err := json.Marshal(outlook)
	if err != nil {
		return err
	}
	return a.bus.ReportOutlook(ctx, data)
}

// toldObjectives returns how the objectives stand, as L5 last reported wherever it runs.
func (a *App) toldObjectives(ctx context.Context) (json.RawMessage, error) {
	all := []strategic.Report{}
	for _, key := range pipeline.ObjectiveStages() {
		if tracker := a.counting(key); tracker != nil {
			all = append(all, tracker.Reports()...)
			continue
		}
		data, err := a.bus.Reported(ctx, bus.ReportsOf(key))
		if err != nil {
			return nil, err
		}
		var reports []strategic.Report
		if data != nil && json.Unmarshal(data, &reports) == nil {
			all = append(all, reports...)
		}
	}
	return json.Marshal(all)
}

// changesOf says what changed about a key, for L5.
func (a *App) changesOf(key string) []strategic.Change {
	if tracker := a.verdictsCounted(); tracker != nil {
		return tracker.ChangesOf(key)
	}
	var changes []strategic.Change
	if outlook := a.outlook.Load(); outlook != nil {
		for _, change := range outlook.Changes {
			if change.Key == key {
				changes = append(changes, change)
			}
		}
	}
	return changes
}

// business returns what was counted of the configured metrics. Where another process counts there is nothing: of
// all processes one shows them.
func (a *App) business() []telemetry.Business {
	tracker := a.verdictsCounted()
	if tracker == nil {
		return nil
	}
	var all []telemetry.Business
	for _, r := range tracker.Metrics() {
		b := telemetry.Business{Name: r.Metric.Name, Help: r.Metric.Help, Kind: r.Metric.Kind, Labels: r.Metric.LabelNames(), Bounds: r.Metric.Bounds()}
		for _, s := range r.Series {
			b.Samples = append(b.Samples, telemetry.Sample{Labels: s.Labels, Value: s.Value, Count: s.Count, Buckets: s.Buckets})
		}
		all = append(all, b)
	}
	return all
}
