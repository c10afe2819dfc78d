package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// result is one published result; the field of its kind is set.
type result struct {
	kind      Kind
	verdict   layers.Verdict
	situation layers.Situation
	plan      layers.Plan
}

// newResult reads a published result.
func newResult(kind Kind, data []byte) (*result, error) {
	r := &result{kind: kind}
	var err error
	switch kind {
	case KindSituations:
		err = json.Unmarshal(data, &r.situation)
	case KindPlans:
		err = json.Unmarshal(data, &r.plan)
	default:
		err = json.Unmarshal(data, &r.verdict)
	}
	return r, err
}

func (r *result) key() string {
	switch r.kind {
	case KindSituations:
		return r.situation.Key
	case KindPlans:
		return r.plan.Key
	default:
		return r.verdict.Key
	}
}

func (r *result) severity() layers.Severity {
	switch r.kind {
	case KindSituations:
		return r.situation.Severity
	case KindPlans:
		return r.plan.Severity
	default:
		return r.verdict.Severity
	}
}

// Widths of the columns, characters.
const (
	clockLayout    = "15:04:05.000"
	widthLayer     = len("L1")
	widthAnswer    = len("suppressed")
	widthSeverity  = len("critical")
	widthSource    = 16
	widthKey       = 20
	maxReason      = 240
	widthBeginning = len(clockLayout) + 1 + widthLayer + 1
)

// line returns the result as one line for people, times in the given place.
func (r *result) line(s Screen, place *time.Location) string {
	switch r.kind {
	case KindSituations:
		return situationLine(s, &r.situation)
	case KindPlans:
		return planLine(s, &r.plan)
	default:
		return verdictLine(s, &r.verdict, place)
	}
}

func verdictLine(s Screen, v *layers.Verdict, place *time.Location) string {
	return fmt.Sprintf("%s %s %s %s %s %s %s %s",
		s.dim(v.DecidedAt.In(place).Format(clockLayout)), v.Layer,
		s.disposition(v.Disposition, cell(v.Disposition.String(), widthAnswer)),
		s.severity(v.Severity, cell(severityText(v.Severity), widthSeverity)),
		cell(v.Source, widthSource), cell(v.Key, widthKey), clip(v.Reason, maxReason), s.dim("["+clean(v.SignalID)+"]"))
}

// severityText is the severity for a column: a signal need not state one.
func severityText(severity layers.Severity) string {
	if severity == layers.SeverityUnset {
		return "-"
	}
	return severity.String()
}

func situationLine(s Screen, x *layers.Situation) string {
	return fmt.Sprintf("%s %s %s %s %s %s",
		cell("  situation", widthBeginning), s.bold(cell(string(x.Event), widthAnswer)),
		s.severity(x.Severity, cell(severityText(x.Severity), widthSeverity)),
		cell(x.Key, widthSource+1+widthKey),
		clip(x.Title+": "+plural(x.Members, "signal"), maxReason), s.dim("["+clean(x.ID)+"]"))
}

// plural returns a number with its noun: 1 signal, 2 signals.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func planLine(s Screen, p *layers.Plan) string {
	return fmt.Sprintf("%s %s %s %s %s %s",
		cell("  plan", widthBeginning), s.bold(cell(string(p.Event), widthAnswer)),
		s.severity(p.Severity, cell(severityText(p.Severity), widthSeverity)),
		cell(p.Key, widthSource+1+widthKey),
		clip(planText(p), maxReason),
		s.dim("["+clean(p.ID)+" for "+clean(p.SituationID)+"]"))
}

// planText says of a plan what is new with its event.
func planText(p *layers.Plan) string {
	switch {
	case p.Event == layers.PlanAgreed || p.Event == layers.PlanRejected:
		return p.Title + ": " + p.Decision
	case len(p.Results) > 0:
		done := 0
		for _, r := range p.Results {
			if r.State == layers.ActionDone {
				done++
			}
		}
		text := fmt.Sprintf("%s: %d of %s done", p.Title, done, plural(len(p.Actions), "action"))
		if last := p.Results[len(p.Results)-1]; last.Error != "" {
			text += ": " + last.Error
		}
		return text
	case len(p.Actions) > 0:
		return p.Title + ": " + plural(len(p.Steps), "step") + ", " + plural(len(p.Actions), "action")
	default:
		return p.Title + ": " + plural(len(p.Steps), "step")
	}
}
