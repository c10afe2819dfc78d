package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers/strategic"
)

// checkOpenSLO reports what HAL9 cannot do as the document says.
func (doc *Document) checkOpenSLO(slo *openSLO) {
	refuse := func(is bool, path, format string, args ...any) {
		if is && !doc.d.broken(path) {
			doc.Report(path, format, args...)
		}
	}
	refuse(slo.APIVersion != openSLOVersion, "apiVersion", "%q: want %s", shorten(slo.APIVersion), openSLOVersion)
	refuse(slo.Kind != openSLOKind, "kind", "%q: HAL9 reads documents of the kind SLO only; an indicator stands in its SLO", shorten(slo.Kind))
	if slo.Kind != openSLOKind {
		return
	}
	s := &slo.Spec
	refuse(s.IndicatorRef != "", "spec.indicatorRef", "HAL9 does not look in other documents: write the indicator here")
	i := "spec.indicator.spec."
	refuse(s.Indicator.Spec.ThresholdMetric != nil, i+"thresholdMetric",
		"HAL9 counts events: write a ratioMetric whose good says the threshold, such as value < 300.0, from: signals")
	r := &s.Indicator.Spec.RatioMetric
	refuse(r.Bad != nil, i+"ratioMetric.bad", "write good, which holds where an event is not bad")
	refuse(r.Raw != nil || r.RawType != "", i+"ratioMetric.raw", "HAL9 counts events: write good and total")
	doc.checkSource(i+"ratioMetric.good", &r.Good)
	doc.checkSource(i+"ratioMetric.total", &r.Total)
	good, total := &r.Good.MetricSource.Spec, &r.Total.MetricSource.Spec
	refuse(good.From != "" && good.From != total.From, i+"ratioMetric.good.metricSource.spec.from", "%q: want that of total, %q", shorten(good.From), shorten(total.From))
	refuse(good.Time != "" || good.MinBad != 0, i+"ratioMetric.good.metricSource.spec", "time and min_bad belong to total")
	refuse(s.BudgetingMethod != openSLOOccurrences, "spec.budgetingMethod", "%q: HAL9 counts each event, which is %s", shorten(s.BudgetingMethod), openSLOOccurrences)
	refuse(s.AlertPolicies != nil, "spec.alertPolicies", "HAL9 alerts on burn rates by itself: leave alertPolicies out")
	refuse(len(s.TimeWindow) != 1, "spec.timeWindow", "%d windows: want one", len(s.TimeWindow))
	for _, w := range s.TimeWindow {
		refuse(!w.IsRolling || w.Calendar != nil, "spec.timeWindow[0]", "HAL9's windows roll: want isRolling: true and no calendar")
	}
	refuse(len(s.Objectives) != 1, "spec.objectives", "%d objectives: want one target for each SLO", len(s.Objectives))
	for _, o := range s.Objectives {
		refuse(o.TimeSliceTarget != nil || o.TimeSliceWindow != nil, "spec.objectives[0]", "HAL9 has no time slices")
		refuse(o.Op != "" || o.Value != nil, "spec.objectives[0]", "op and value belong to a thresholdMetric: say it in good, such as value < 300.0")
		refuse(o.Indicator != nil || o.IndicatorRef != "" || o.Weight != nil, "spec.objectives[0]", "HAL9 has no composite SLOs")
		refuse(o.Target != 0 && o.TargetPercent != 0, "spec.objectives[0].targetPercent", "want either target or targetPercent")
	}
	if len(doc.d.problems) == 0 {
		doc.checkObjective(slo)
	}
}

func (doc *Document) checkSource(path string, m *openSLOMetric) {
	source := &m.MetricSource
	if source.Type != openSLOSource && !doc.d.broken(path) {
		doc.Report(path+".metricSource.type", "%q: HAL9 counts what it sees itself: want type: hal9 with an expression in spec.when", shorten(source.Type))
	}
	if source.Ref != "" {
		doc.Report(path+".metricSource.metricSourceRef", "HAL9 does not look in other documents: want type: hal9")
	}
}

// checkObjective has the owner check the objective, and compiles its expressions.
func (doc *Document) checkObjective(slo *openSLO) {
	text := slo.Spec.TimeWindow[0].Duration
	if _, err := openSLODuration(text); err != nil {
		doc.Report("spec.timeWindow[0].duration", "%s", err)
		return
	}
	o := doc.objective(slo)
	c := strategic.DefaultConfig()
	c.Objectives = []strategic.Objective{o}
	ratio := "spec.indicator.spec.ratioMetric."
	places := map[string]string{
		"name": "metadata.name", "from": ratio + "total.metricSource.spec.from", "time": ratio + "total.metricSource.spec.time",
		"min_bad": ratio + "total.metricSource.spec.min_bad", "target": "spec.objectives[0].target", "window": "spec.timeWindow[0].duration",
		"total": ratio + "total.metricSource.spec.when", "good": ratio + "good.metricSource.spec.when",
	}
	for _, leaf := range leaves(c.Validate()) {
		message := itemPrefix.ReplaceAllString(withoutPackage(leaf.Error()), "")
		field, rest, _ := strings.Cut(message, " is ")
		if place, ok := places[field]; ok {
			doc.Report(place, "%s", rest)
			continue
		}
		doc.Report("", "%s", message)
	}
	compileObjective(doc.d, &o, places["total"], places["good"])
}

// objective returns what a document that was checked says.
func (doc *Document) objective(slo *openSLO) strategic.Objective {
	total := &slo.Spec.Indicator.Spec.RatioMetric.Total.MetricSource.Spec
	window, _ := openSLODuration(slo.Spec.TimeWindow[0].Duration)
	target := slo.Spec.Objectives[0].Target
	if percent := slo.Spec.Objectives[0].TargetPercent; percent != 0 {
		target = percent / 100
	}
	return strategic.Objective{
		Name: slo.Metadata.Name, Description: strings.TrimSpace(slo.Spec.Description), From: total.From, Target: target, Window: window,
		Time: total.Time, MinBad: total.MinBad,
		Total: total.When, Good: slo.Spec.Indicator.Spec.RatioMetric.Good.MetricSource.Spec.When,
	}
}

// openSLODuration reads a duration shorthand: 5m, 1h, 30d, 4w. Months, quarters and years have no fixed length.
func openSLODuration(text string) (time.Duration, error) {
	if weeks, ok := strings.CutSuffix(text, "w"); ok {
		d, err := parseDuration(weeks + "d")
		if err != nil || d > 1000*day {
			return 0, fmt.Errorf("%q is no duration: want such as 4w or 30d", shorten(text))
		}
		return 7 * d, nil
	}
	if strings.ContainsAny(text, "MQY") {
		return 0, fmt.Errorf("%q has no fixed length: a rolling window is given in days or weeks, such as 30d", shorten(text))
	}
	return parseDuration(text)
}
