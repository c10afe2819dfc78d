package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Explain writes a story for people.
type Explain struct {
	Screen Screen
	Place  *time.Location
	Now    func() time.Time
	Rules  map[string]string // by name, what rules of L1 say in the configuration at hand; default none
}

// JSON writes the story for programs.
func (s *Story) JSON(w io.Writer) error { return writeJSON(w, s) }

// Print writes the story.
func (x *Explain) Print(s *Story) error {
	p := &page{screen: x.Screen}
	if s.State == StateUnderway {
		x.underway(p, s.Underway)
	} else {
		x.verdict(p, &s.verdict)
		x.findings(p, &s.verdict)
		x.letter(p, s.Dead)
		x.situation(p, s.situation)
		x.plan(p, s.plan)
	}
	if len(s.OtherSources) > 0 {
		p.row("note", "other sources have a signal of this id, too: "+strings.Join(s.OtherSources, ", ")+" (see --source)")
	}
	if _, err := io.WriteString(x.Screen.Out, p.text.String()); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// page is text in two columns.
type page struct {
	screen Screen
	text   strings.Builder
}

// row writes a name and a text; the text is cleaned.
func (p *page) row(name, text string) { p.painted(name, clip(text, 2000)) }

// painted writes a text that is clean and may have colours.
func (p *page) painted(name, text string) {
	p.text.WriteString(p.screen.dim(cell(name, 11)) + text + "\n")
}

const momentLayout = "2006-01-02 15:04:05.000 MST"

func (x *Explain) moment(t time.Time) string { return t.In(x.Place).Format(momentLayout) }

func (x *Explain) underway(p *page, u *Underway) {
	p.row("signal", fmt.Sprintf("%s of source %s", u.ID, u.Source))
	if u.Key != "" {
		p.row("key", u.Key)
	}
	age := max(0, x.Now().Sub(u.StoredAt))
	p.row("answer", fmt.Sprintf("none yet: it waits for %s %s, %s so far", u.Layer, u.Layer.Title(), shortTime(age)))
	p.row("stored", fmt.Sprintf("%s, message %d, at %s", u.Stream, u.Seq, x.moment(u.StoredAt)))
	if age > 10*time.Second {
		p.row("hint", fmt.Sprintf("is %s running? See `hal9 up` or `hal9 run --layer %s`. "+
			"A verdict that is older than what the verdicts' stream keeps is not found either", u.Layer, u.Layer))
	}
}

func (x *Explain) verdict(p *page, v *layers.Verdict) {
	p.row("signal", fmt.Sprintf("%s of source %s", v.SignalID, v.Source))
	if v.Key != "" {
		p.row("key", v.Key)
	}
	p.painted("severity", p.screen.severity(v.Severity, severityInWords(v.Severity)))
	p.row("happened", x.moment(v.EventTime))
	p.row("received", x.moment(v.ReceivedAt))
	p.row("decided", fmt.Sprintf("%s, %s later", x.moment(v.DecidedAt), shortTime(v.DecidedAt.Sub(v.ReceivedAt))))
	p.painted("answer", fmt.Sprintf("%s at %s %s: %s",
		p.screen.disposition(v.Disposition, v.Disposition.String()), v.Layer, v.Layer.Title(), inWords(v)))
	p.row("because", v.Reason)
}

func severityInWords(severity layers.Severity) string {
	if severity == layers.SeverityUnset {
		return "not stated"
	}
	return severity.String()
}

// inWords says what a verdict means for whoever reads it.
func inWords(v *layers.Verdict) string {
	switch {
	case v.Disposition == layers.DispositionSuppressed:
		return "nothing new, nobody needs to look"
	case v.Disposition == layers.DispositionFolded:
		return "part of a situation that is known already"
	case v.Disposition == layers.DispositionDead:
		return "it could not be processed, and is kept with the reason"
	case v.Disposition == layers.DispositionResolved && v.SituationID != "":
		return "it opened or worsened a situation, which has been dealt with up to here"
	case v.Disposition == layers.DispositionResolved:
		return "nobody needs to look"
	default:
		return "handed up"
	}
}

func (x *Explain) findings(p *page, v *layers.Verdict) {
	if v.Rule != "" {
		p.row("rule", v.Rule)
		if when, ok := x.Rules[v.Rule]; ok && v.Layer == layers.NameL1 {
			p.row("", "when "+when)
		}
	}
	if v.TemplateID != "" {
		p.row("template", v.TemplateID+"  "+v.Template)
	}
	x.neurons(p, v)
	if v.Anomaly > 0 {
		p.row("anomaly", fmt.Sprintf("%.2f of 1", v.Anomaly))
	}
	x.proof(p, v.Evidence)
}

func (x *Explain) letter(p *page, d *DeadLetter) {
	if d == nil {
		return
	}
	p.row("dead at", fmt.Sprintf("%s after %s, from %s message %d", d.Layer, plural(d.Attempts, "attempt"), d.Stream, d.Seq))
	p.row("letter", fmt.Sprintf("%d: see hal9 dead show %d", d.Number, d.Number))
	p.row("error", d.Error)
	if d.Binary != nil {
		p.row("payload", fmt.Sprintf("%d bytes that are no text", len(d.Binary)))
		return
	}
	p.row("payload", clip(d.Payload, 400))
}

func (x *Explain) situation(p *page, s *layers.Situation) {
	if s == nil {
		return
	}
	p.text.WriteByte('\n')
	p.row("situation", fmt.Sprintf("%s, %s, revision %d", s.ID, s.Event, s.Revision))
	p.painted("", p.screen.bold(clip(s.Title, 400)))
	p.painted("severity", p.screen.severity(s.Severity, severityInWords(s.Severity)))
	p.row("signals", fmt.Sprintf("%d, from %s to %s", s.Members, x.moment(s.OpenedAt), x.moment(s.UpdatedAt)))
	for i, entity := range s.Entities {
		name := ""
		if i == 0 {
			name = "entities"
		}
		p.row(name, fmt.Sprintf("%.2f %s", entity.Score, entity.Name))
	}
	for _, recall := range s.Recalled {
		p.row("recalled", fmt.Sprintf("%s, %.0f %% alike: %s", recall.SituationID, 100*recall.Similarity, recall.Outcome))
	}
}

func (x *Explain) plan(p *page, plan *layers.Plan) {
	if plan == nil {
		return
	}
	p.text.WriteByte('\n')
	by := "from memory"
	if plan.Playbook != "" {
		by = "playbook " + plan.Playbook
	}
	p.row("plan", fmt.Sprintf("%s, %s, %s", plan.ID, plan.Event, by))
	p.painted("", p.screen.bold(clip(plan.Title, 400)))
	for i, step := range plan.Steps {
		p.row("", fmt.Sprintf("%d. %s", i+1, step))
	}
	for i, action := range plan.Actions {
		name := ""
		if i == 0 {
			name = "actions"
		}
		p.row(name, fmt.Sprintf("%d. %s", i+1, actionText(&action)))
	}
	for i, reason := range plan.Reasons {
		name := ""
		if i == 0 {
			name = "reasons"
		}
		p.row(name, reason)
	}
	x.agreement(p, plan)
}

// shortTime writes a duration to a length that can be read.
func shortTime(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(time.Microsecond).String()
	}
}
