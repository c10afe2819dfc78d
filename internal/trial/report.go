package trial

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// Report writes what became of tests for people: each that failed with what was expected and what came, and where
// verbose every test with its verdicts, situations and plans.
func Report(w io.Writer, outcomes []*Outcome, verbose bool) error {
	var b strings.Builder
	failed := 0
	for _, o := range outcomes {
		if o.Passed() && !verbose {
			continue
		}
		word := "ok  "
		if !o.Passed() {
			word = "FAIL"
			failed++
		}
		fmt.Fprintf(&b, "%s %s:%d: %s\n", word, o.File, o.Line, clean(o.Name))
		for _, f := range o.Failures {
			f.write(&b, o.File)
		}
		if verbose {
			o.write(&b)
		}
	}
	fmt.Fprintf(&b, "%d of %s passed", len(outcomes)-failed, plural(len(outcomes), "test"))
	if failed > 0 {
		fmt.Fprintf(&b, ", %d failed", failed)
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

func (f *Failure) write(b *strings.Builder, file string) {
	fmt.Fprintf(b, "  %s:%d: %s", file, f.Line, f.Path)
	if f.About != "" {
		fmt.Fprintf(b, " of %s", clean(f.About))
	}
	fmt.Fprintf(b, "\n    - want %s\n    + got  %s\n", clean(f.Want), clean(f.Got))
	if f.Reason != "" {
		fmt.Fprintf(b, "      reason: %s\n", clean(f.Reason))
	}
}

// mostShown bounds how many verdicts of a test are shown.
const mostShown = 200

func (o *Outcome) write(b *strings.Builder) {
	for i := range o.Verdicts {
		if i == mostShown {
			fmt.Fprintf(b, "    ... and %s\n", plural(len(o.Verdicts)-mostShown, "verdict"))
			break
		}
		v := &o.Verdicts[i]
		fmt.Fprintf(b, "    verdict    %s (%s)\n", clean(aboutVerdict(v)), clean(v.Reason))
	}
	for i := range o.Situations {
		s := &o.Situations[i]
		state := "open"
		if s.Event == layers.SituationClosed {
			state = "closed"
		}
		fmt.Fprintf(b, "    situation  %s: %s, %s, %s\n", clean(aboutSituation(s)), s.Severity, plural(s.Members, "member"), state)
	}
	for i := range o.Plans {
		p := &o.Plans[i]
		fmt.Fprintf(b, "    plan       %s: %s\n", clean(aboutPlan(p)), plural(len(p.Steps), "step"))
	}
}

// ReportJSON writes what became of tests for programs.
func ReportJSON(w io.Writer, outcomes []*Outcome) error {
	report := struct {
		Passed int        `json:"passed"`
		Failed int        `json:"failed"`
		Tests  []*Outcome `json:"tests"`
	}{Tests: append([]*Outcome{}, outcomes...)}
	for _, o := range outcomes {
		if o.Passed() {
			report.Passed++
		} else {
			report.Failed++
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
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

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
