package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/dead"
)

// Redrive puts dead letters back into a layer, and tells a person how that goes.
type Redrive struct {
	Names    []string    // letters or signals; none for those that the filter lets through
	Filter   dead.Filter // where there are no names
	Shelf    *dead.Shelf
	Redrive  dead.Redrive // but for its Report
	Notes    io.Writer
	Terminal bool // Notes is a terminal: there is a progress bar
}

// Run redrives and says what it came to, whatever ended it.
func (r *Redrive) Run(ctx context.Context) (dead.Outcome, error) {
	seqs, err := r.choose(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = dead.ErrInterrupted
		}
		return dead.Outcome{}, err
	}
	notes := &progress{
		command: "redrive", out: r.Notes, now: r.Redrive.Now, total: int64(len(seqs)), limited: true,
		began: r.Redrive.Now(), said: r.Redrive.Now(),
	}
	notes.say(r.announce(len(seqs)))
	if r.Terminal && len(seqs) > 0 {
		notes.draw()
	}
	defer notes.end()
	r.Redrive.Report = &redriveReport{progress: notes}
	return r.Redrive.Run(ctx, seqs)
}

func (r *Redrive) choose(ctx context.Context) ([]uint64, error) {
	if len(r.Names) > 0 {
		return r.Shelf.Find(ctx, r.Names...)
	}
	return r.Shelf.Select(ctx, r.Filter)
}

// announce says what is about to happen.
func (r *Redrive) announce(n int) string {
	what := lettersOf(n, "letter") + " into " + r.Redrive.Planner.Target.String()
	if r.Redrive.Options.DryRun {
		return "trying to put " + what + " (dry run: nothing is stored)"
	}
	rate := r.Redrive.Options.Rate
	if rate == 0 {
		return "putting " + what + ", as fast as they are stored"
	}
	text := fmt.Sprintf("putting %s, %g a second", what, rate)
	if takes := time.Duration(float64(n) / rate * float64(time.Second)); takes > 5*time.Second {
		text += ": it takes about " + takes.Round(time.Second).String()
	}
	return text
}

// lettersOf returns a number of letters in words.
func lettersOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// redriveReport is a dead.Report for people.
type redriveReport struct {
	*progress
	failed int
}

// Advance implements dead.Report.
func (r *redriveReport) Advance(done int) { r.advance(0, done) }

// Say implements dead.Report.
func (r *redriveReport) Say(text string) { r.say(text) }

// Stall implements dead.Report.
func (r *redriveReport) Stall(text string) { r.stall(text) }

// Failed implements dead.Report.
func (r *redriveReport) Failed(seq uint64, err error) {
	if r.failed++; r.failed <= shownMax {
		r.say(fmt.Sprintf("letter %d: %v", seq, err))
	}
	if r.failed == shownMax+1 {
		r.say("further letters that can't be put back are counted and not shown")
	}
}

// PrintOutcome writes what a redrive came to for people.
func PrintOutcome(w io.Writer, o *dead.Outcome) error {
	var b strings.Builder
	verb := "put back into"
	if o.DryRun {
		verb = "would be put back into"
	}
	fmt.Fprintf(&b, "%s of %s %s %s", thousands(o.Redriven), lettersOf(o.Letters, "letter"), verb, o.Target)
	if !o.DryRun {
		fmt.Fprintf(&b, " in %s, %s signals/s", time.Duration(o.Seconds*float64(time.Second)).Round(time.Millisecond), thousands(int(o.Rate+0.5)))
	}
	b.WriteByte('\n')
	for _, line := range []struct {
		n    int
		text string
	}{{o.Before, "an earlier run had put back already"}, {o.Gone, "are not kept any more"}, {o.Failed, "can't be put back:"}} {
		if line.n > 0 {
			fmt.Fprintf(&b, "%*s %s\n", widthCount, thousands(line.n), line.text)
		}
	}
	kinds := slices.SortedFunc(maps.Keys(o.Reasons), func(x, y string) int {
		return cmp.Or(cmp.Compare(o.Reasons[y], o.Reasons[x]), strings.Compare(x, y))
	})
	for _, kind := range kinds[:min(len(kinds), groupsShown)] {
		fmt.Fprintf(&b, "%*s   %s\n", widthCount+2, thousands(o.Reasons[kind]), clip(kind, maxWide))
	}
	if !o.Complete {
		fmt.Fprintf(&b, "%*s are left: run the same command again to go on\n", widthCount, thousands(o.Letters-o.Redriven-o.Before-o.Gone-o.Failed))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// OutcomeJSON writes what a redrive came to for programs.
func OutcomeJSON(w io.Writer, o *dead.Outcome) error { return writeJSON(w, o) }

// IsInterrupted reports whether a command was ended before its work was.
func IsInterrupted(err error) bool {
	return errors.Is(err, dead.ErrInterrupted) || errors.Is(err, ErrInterrupted)
}
