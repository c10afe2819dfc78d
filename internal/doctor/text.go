package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/internal/escalation"
)

// Text writes a report for people: the verdict first, on one screen.
func Text(w io.Writer, r *Report, s Style) error {
	t := &text{Writer: bufio.NewWriter(w), style: s}
	t.head(r)
	if r.State != StateUnknown {
		t.layers(r)
	}
	for i := range r.Findings {
		t.finding(i, &r.Findings[i])
	}
	t.foot(r)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("doctor: write: %w", err)
	}
	return nil
}

type text struct {
	*bufio.Writer

	style Style
	short int // findings that were written in one line
}

func (t *text) line(parts ...string) {
	_, _ = t.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n") // Flush tells of an error.
}

func (t *text) head(r *Report) {
	code := green
	switch {
	case r.Count(SeverityCritical) > 0 || r.State == StateUnknown:
		code = red
	case r.State == StateTrouble:
		code = yellow
	}
	width := t.style.width()
	if !t.style.Art {
		t.line(t.style.paint(code, r.Verdict))
		t.line(cut(r.At.UTC().Format("15:04:05 MST")+", "+r.Place, width))
		return
	}
	quote, comfort := words(r)
	beside := []string{
		t.style.paint(code, r.Verdict), cut(r.At.UTC().Format("15:04:05 MST")+", "+r.Place, width-eyeWidth),
		t.style.paint(cyan, quote), comfort, "",
	}
	for i, row := range eye() {
		t.line(t.style.paint(red, row), beside[i])
	}
}

// columns of the table of layers.
func (t *text) layers(r *Report) {
	pods := false
	for _, l := range r.Layers {
		pods = pods || l.Pods != ""
	}
	head := pad("LAYER", 18) + pad("WAITING", -11) + pad("WORKING", -10) + pad("OLDEST", -9) + pad("TREND", -11) + pad("PROCESSES", -11)
	if pods {
		head += pad("PODS", -8)
	}
	t.line()
	t.line(t.style.paint(dim, head))
	for _, l := range r.Layers {
		t.line(t.layer(l))
	}
}

func (t *text) layer(l LayerLine) string {
	waiting, working, oldest, trend, processes := "?", "?", "?", "?", "?"
	if l.Known {
		waiting, working, oldest, trend = number(l.Waiting), number(l.Working), "-", "-"
		if l.Waiting+l.Working > 0 {
			oldest = age(l.Oldest)
		}
		if l.Trend >= 1 || l.Trend <= -1 {
			trend = fmt.Sprintf("%+.0f/s", l.Trend)
		}
	}
	if l.Processes >= 0 {
		processes = number(l.Processes)
	}
	row := pad(l.Layer+" "+l.Title, 18) + pad(waiting, -11) + pad(working, -10) + pad(oldest, -9) + pad(trend, -11) + pad(processes, -11) + pad(l.Pods, -8)
	switch {
	case l.Known && l.Oldest >= lostAfter, l.Processes == 0 && l.Waiting > 0:
		return t.style.paint(red, row)
	case l.Known && l.Oldest >= lateAfter, l.Processes == 0:
		return t.style.paint(yellow, row)
	}
	return row
}

// How much of a finding is shown, as long as not everything is asked for.
const (
	longFindings  = 3
	shortEvidence = 2
	shortCommands = 2
)

func (t *text) finding(i int, f *Finding) {
	label, code := "NOTE", dim
	switch f.Severity {
	case SeverityCritical:
		label, code = "CRITICAL", red
	case SeverityWarning:
		label, code = "WARNING", yellow
	}
	if f.Severity == SeverityNote && !t.style.All {
		t.short++
		t.line(t.style.paint(dim, fmt.Sprintf("%2d %s %s", i+1, label, cut(clean(f.What), t.style.width()-9))))
		return
	}
	if i < longFindings || t.style.All {
		t.line()
	}
	lead := fmt.Sprintf("%2d %s ", i+1, label)
	for n, row := range wrap(f.What, t.style.width()-len(lead), 2) {
		if n == 0 {
			t.line(t.style.paint(code, lead), t.style.paint(bold, row))
		} else {
			t.line(strings.Repeat(" ", len(lead)), t.style.paint(bold, row))
		}
	}
	evidence, commands := f.Evidence, f.Commands
	if !t.style.All {
		evidence, commands = evidence[:min(len(evidence), shortEvidence)], commands[:min(len(commands), shortCommands)]
		if i >= longFindings {
			t.short++
			evidence, commands = nil, commands[:min(len(commands), 1)]
		}
	}
	for _, e := range evidence {
		lines := 2
		if t.style.All {
			lines = 6
		}
		for _, row := range wrap(e, t.style.width()-5, lines) {
			t.line("     ", row)
		}
	}
	for _, c := range commands {
		t.command(c)
	}
}

// command writes a line to copy: it is never broken, and what it is for stands behind it where there is room.
func (t *text) command(c Command) {
	line := "   > " + t.style.paint(cyan, c.Run)
	length := 5 + utf8.RuneCountInString(c.Run)
	switch room := t.style.width() - length; {
	case c.Why == "":
	case utf8.RuneCountInString(c.Why)+4 <= room:
		line += t.style.paint(dim, "  # "+c.Why)
	case t.style.All:
		t.line(t.style.paint(dim, "     # "+c.Why))
	}
	t.line(line)
}

func (t *text) foot(r *Report) {
	t.line()
	severity := SeverityWarning
	if r.Count(SeverityCritical) > 0 || r.State == StateUnknown {
		severity = SeverityCritical
	}
	if r.State != StateHealthy {
		t.escalation(escalation.For(r.Escalation, string(severity)))
	}
	var unseen []string
	for _, look := range r.Looked {
		if !look.OK && !told(r, look.What) {
			unseen = append(unseen, look.What+" ("+look.Detail+")")
		}
	}
	if len(unseen) > 0 {
		for _, row := range wrap("not looked at: "+strings.Join(unseen, "; "), t.style.width(), 6) {
			t.line(t.style.paint(dim, row))
		}
	}
	if r.State != StateHealthy {
		more := "--script FILE writes these steps, --bundle FILE all for somebody else"
		if t.short > 0 {
			more = "--all shows everything, " + more
		}
		for _, row := range wrap(more, t.style.width(), 2) {
			t.line(t.style.paint(dim, row))
		}
	}
}

// told reports whether what could not be looked at is a finding, or of no interest since others answered.
func told(r *Report, what string) bool {
	if what == "NATS" {
		return true
	}
	return strings.HasPrefix(what, "HTTP ") && r.State != StateUnknown
}

func (t *text) escalation(steps []escalation.Step) {
	if len(steps) == 0 {
		t.line(t.style.paint(dim, "whom to call: nobody is named; see escalation in hal9.yaml"))
		return
	}
	for _, step := range steps {
		when := "now"
		if step.After > 0 {
			when = "after " + age(step.After.Round(time.Second))
		}
		t.line(t.style.paint(bold, pad("call "+when, 16)), cut(clean(step.Contact), t.style.width()-16))
	}
}
