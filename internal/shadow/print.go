package shadow

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Printer writes differences as they are found, and the summary.
type Printer struct {
	Out   io.Writer
	JSON  bool // one object a line, the summary last, below "summary"
	Most  int  // differences are shown up to this many; 0 for all
	Place *time.Location

	shown int
	err   error
}

// Difference writes one.
func (p *Printer) Difference(d *Difference) {
	if p.Most > 0 && p.shown == p.Most || p.err != nil {
		return
	}
	p.shown++
	if p.JSON {
		p.json(d)
		return
	}
	_, p.err = fmt.Fprintf(p.Out, "%s %s of source %s on %s\n  - live    %s\n  + shadow  %s\n", d.Time.In(p.Place).Format("15:04:05.000"),
		clean(d.SignalID), clean(d.Source), clean(d.key()), d.Live.line(), d.Shadow.line())
}

func (d *Difference) key() string {
	if d.Shadow != nil {
		return d.Shadow.Key
	}
	return d.Live.Key
}

// line says what an answer is.
func (a *Answer) line() string {
	if a == nil {
		return "no answer of its own: a copy"
	}
	text := a.name()
	if a.Rule != "" {
		text += " by " + a.Rule
	}
	if len(a.Classes) > 0 {
		text += " as " + strings.Join(a.Classes, ", ")
	}
	if a.Situation {
		text += ", in a situation"
	}
	return clean(text + ": " + a.Reason)
}

// Summary writes the summary. It returns what went wrong with writing so far.
func (p *Printer) Summary(s Summary) error {
	if p.err != nil {
		return p.err
	}
	if p.JSON {
		p.json(map[string]Summary{"summary": s})
		return p.err
	}
	var b strings.Builder
	if hidden := s.Different - p.shown; hidden > 0 {
		fmt.Fprintf(&b, "... and %d more differences: --limit shows more\n", hidden)
	}
	fmt.Fprintf(&b, "\n%d signals, %d answered differently\n", s.Signals, s.Different)
	for _, change := range slices.Sorted(maps.Keys(s.Changes)) {
		fmt.Fprintf(&b, "  %6d  %s\n", s.Changes[change], change)
	}
	fmt.Fprintf(&b, "%-24s %10s %10s\n", "", "live", "shadow")
	answers := maps.Clone(s.Live.Answers)
	maps.Copy(answers, s.Shadow.Answers)
	for _, answer := range slices.Sorted(maps.Keys(answers)) {
		fmt.Fprintf(&b, "%-24s %10d %10d\n", answer, s.Live.Answers[answer], s.Shadow.Answers[answer])
	}
	fmt.Fprintf(&b, "%-24s %10d %10d\n", "situations opened", s.Live.Situations, s.Shadow.Situations)
	fmt.Fprintf(&b, "%-24s %10d %10d\n", "plans proposed", s.Live.Plans, s.Shadow.Plans)
	if s.Bad > 0 {
		fmt.Fprintf(&b, "%d lines are no signals\n", s.Bad)
	}
	if s.Confirmed+s.Unlike > 0 {
		fmt.Fprintf(&b, "the running HAL9 answered %d of them as its configuration does here, %d otherwise, since it knows what was before\n",
			s.Confirmed, s.Unlike)
	}
	_, p.err = io.WriteString(p.Out, b.String())
	return p.err
}

func (p *Printer) json(value any) {
	encoder := json.NewEncoder(p.Out)
	encoder.SetEscapeHTML(false)
	p.err = encoder.Encode(value)
}

// clean keeps control characters of senders off the screen.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}
