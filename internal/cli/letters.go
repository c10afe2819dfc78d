package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/internal/dead"
)

// LettersOptions say which dead letters are listed.
type LettersOptions struct {
	Filter dead.Filter
	Limit  int  // letters at most; 0 for all
	JSON   bool // one object a line
}

// Letters lists dead letters, newest first.
type Letters struct {
	Options LettersOptions
	Shelf   *dead.Shelf
	Screen  Screen
	Now     func() time.Time
	Hint    string // what a command needs to reach this NATS, such as " --nats nats://host:4222"; may be empty
}

// Widths of the columns, characters.
const (
	widthSeq      = 9
	widthAge      = 5
	widthLayers   = len("LAYER")
	widthTries    = len("TRIES")
	widthSignal   = 26
	widthCount    = 10
	groupsShown   = 10
	maxWide       = 240 // of a line that goes to no terminal
	leastReason   = 20
	widthBefore   = widthSeq + 1 + widthAge + 2 + widthLayers + 1 + widthTries + 2 + widthSource + 1 + widthSignal + 1
	widthInGroups = widthCount + 2 + widthLayers + 1
)

// Run lists. What people get begins with a summary.
func (l *Letters) Run(ctx context.Context) error {
	out := bufio.NewWriter(l.Screen.Out)
	var err error
	if l.Options.JSON {
		err = l.each(ctx, func(letter *dead.Letter) error { return json.NewEncoder(out).Encode(newLetterLine(letter)) })
	} else {
		err = l.table(ctx, out)
	}
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// each visits the letters up to the limit.
func (l *Letters) each(ctx context.Context, show func(*dead.Letter) error) error {
	var failed error
	n := 0
	err := l.Shelf.Newest(ctx, l.Options.Filter, func(letter *dead.Letter) bool {
		if failed = show(letter); failed != nil {
			failed = fmt.Errorf("cli: write: %w", failed)
			return false
		}
		n++
		return l.Options.Limit == 0 || n < l.Options.Limit
	})
	if failed != nil {
		return failed
	}
	return err
}

func (l *Letters) table(ctx context.Context, out *bufio.Writer) error {
	sum, err := l.Shelf.Summary(ctx, l.Options.Filter)
	if err != nil {
		return err
	}
	write := func(text string) { _, _ = out.WriteString(text + "\n") } // Flush tells of an error.
	write(l.headline(&sum))
	if sum.Letters == 0 {
		return nil
	}
	l.groups(&sum, write)
	write("\n" + l.Screen.dim(fmt.Sprintf("%*s %*s  LAYER TRIES  %s %s REASON",
		widthSeq, "NUMBER", widthAge, "AGE", cell("SOURCE", widthSource), cell("SIGNAL", widthSignal))))
	shown := 0
	var newest uint64
	err = l.each(ctx, func(letter *dead.Letter) error {
		if shown++; shown == 1 {
			newest = letter.Seq
		}
		_, err := out.WriteString(l.line(letter) + "\n")
		return err
	})
	if err != nil {
		return err
	}
	l.hints(shown, sum.Letters, newest, write)
	return nil
}

// headline says how many letters there are.
func (l *Letters) headline(sum *dead.Summary) string {
	which, redriven := "", ""
	if !l.Options.Filter.IsEmpty() {
		which = ", of those asked for"
	}
	switch {
	case sum.Redriven > 0 && l.Options.Filter.Redriven:
		redriven = "; in all, " + wereOf(sum.Redriven) + " redriven"
	case sum.Redriven > 0:
		redriven = "; " + wereOf(sum.Redriven) + " redriven and left out (--redriven lists them, too)"
	}
	if sum.Letters == 0 {
		return "no dead letters" + which + redriven
	}
	now := l.Now()
	return l.Screen.bold(lettersOf(sum.Letters, "dead letter")) + which +
		fmt.Sprintf(": the newest %s old, the oldest %s", age(now.Sub(sum.Newest)), age(now.Sub(sum.Oldest))) + redriven
}

// wereOf returns a number with its verb.
func wereOf(n int) string {
	if n == 1 {
		return "1 was"
	}
	return thousands(n) + " were"
}

func (l *Letters) groups(sum *dead.Summary, write func(string)) {
	write("\n" + l.Screen.dim(fmt.Sprintf("%*s  LAYER REASON", widthCount, "COUNT")))
	rest := 0
	for i := range sum.Groups {
		g := &sum.Groups[i]
		if i >= groupsShown {
			rest += g.Count
			continue
		}
		write(fmt.Sprintf("%*s  %s %s", widthCount, thousands(g.Count), cell(g.Layer, widthLayers), l.fit(g.Class, widthInGroups)))
	}
	if rest > 0 {
		write(fmt.Sprintf("%*s  %s %s", widthCount, thousands(rest), cell("", widthLayers),
			l.Screen.dim(plural(len(sum.Groups)-groupsShown, "other kind")+" of reasons")))
	}
}

func (l *Letters) line(letter *dead.Letter) string {
	reason := dead.ShortReason(letter.Reason)
	if letter.Redriven {
		reason = "(redriven) " + reason
	}
	return fmt.Sprintf("%*d %s  %s %*d  %s %s %s",
		widthSeq, letter.Seq, l.Screen.dim(fmt.Sprintf("%*s", widthAge, age(l.Now().Sub(letter.Stored)))),
		cell(letter.Layer, widthLayers), widthTries, letter.Attempts,
		cell(orDash(letter.Source), widthSource), cell(orDash(letter.SignalID), widthSignal), l.fit(reason, widthBefore))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// fit clips a text that begins in a column to what the line has left.
func (l *Letters) fit(text string, column int) string {
	width := l.Screen.Width
	if width == 0 {
		width = maxWide
	}
	return clip(text, max(leastReason, width-column))
}

func (l *Letters) hints(shown, total int, newest uint64, write func(string)) {
	if shown < total {
		write(l.Screen.dim(fmt.Sprintf("the newest %s of %s: --limit 0 lists all", thousands(shown), thousands(total))))
	}
	number := strconv.FormatUint(newest, 10)
	write("")
	write(cell("hal9 dead show "+number+l.Hint, 36+len(l.Hint)) + " all about one")
	write(cell("hal9 dead redrive --all --dry-run"+l.Hint, 36+len(l.Hint)) + " what putting them back into L1 would do")
}

// age writes how long ago something was in at most five characters.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "<1s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	default:
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
}

// letterLine is a letter in a list for programs.
type letterLine struct {
	Seq       uint64    `json:"seq"`
	StoredAt  time.Time `json:"stored_at"`
	Layer     string    `json:"layer"`
	Reason    string    `json:"reason"`
	Attempts  int       `json:"attempts"`
	Source    string    `json:"source,omitempty"`
	SignalID  string    `json:"signal_id,omitempty"`
	Received  time.Time `json:"received_at"`
	Stream    string    `json:"stream"`
	StreamSeq uint64    `json:"stream_seq"`
	Bytes     int       `json:"bytes"`               // of the payload
	Truncated int       `json:"truncated,omitempty"` // bytes of the original where only its beginning is kept
	RedriveOf string    `json:"redrive_of,omitempty"`
	Redriven  bool      `json:"redriven"`
}

func newLetterLine(l *dead.Letter) letterLine {
	return letterLine{
		Seq: l.Seq, StoredAt: l.Stored, Layer: l.Layer, Reason: l.Reason, Attempts: l.Attempts, Source: l.Source,
		SignalID: l.SignalID, Received: l.Received, Stream: l.Stream, StreamSeq: l.StreamSeq, Bytes: l.Size,
		Truncated: l.Truncated, RedriveOf: l.RedriveOf, Redriven: l.Redriven,
	}
}
