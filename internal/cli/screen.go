package cli

import (
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fatih/color"
	"golang.org/x/term"

	"github.com/2lab-ai/hal9/layers"
)

// Screen writes for people: with colours where they can be seen.
type Screen struct {
	Out    io.Writer
	Colour bool
	Width  int // characters of a line; 0 where it is no terminal
}

// NewScreen returns the screen for w. Colours need a terminal and give way to NO_COLOR and
// TERM=dumb.
func NewScreen(w io.Writer, lookup func(string) (string, bool)) Screen {
	noColour, _ := lookup("NO_COLOR")
	kind, _ := lookup("TERM")
	return Screen{Out: w, Colour: IsTerminal(w) && noColour == "" && kind != "dumb", Width: widthOf(w)}
}

// widthOf returns the width of a terminal, 0 of anything else.
func widthOf(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return max(0, width)
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (s Screen) paint(text string, attributes ...color.Attribute) string {
	if !s.Colour || text == "" {
		return text
	}
	c := color.New(attributes...)
	c.EnableColor() // The package's own guess looks at the process's standard output.
	return c.Sprint(text)
}

func (s Screen) dim(text string) string  { return s.paint(text, color.Faint) }
func (s Screen) bold(text string) string { return s.paint(text, color.Bold) }

func (s Screen) disposition(d layers.Disposition, text string) string {
	switch d {
	case layers.DispositionResolved:
		return s.paint(text, color.FgGreen)
	case layers.DispositionFolded:
		return s.paint(text, color.FgCyan)
	case layers.DispositionEscalated:
		return s.paint(text, color.FgYellow, color.Bold)
	case layers.DispositionDead:
		return s.paint(text, color.FgRed, color.Bold)
	default:
		return s.dim(text)
	}
}

func (s Screen) severity(severity layers.Severity, text string) string {
	switch severity {
	case layers.SeverityCritical:
		return s.paint(text, color.FgRed, color.Bold)
	case layers.SeverityError:
		return s.paint(text, color.FgRed)
	case layers.SeverityWarning:
		return s.paint(text, color.FgYellow)
	default:
		return s.dim(text)
	}
}

// clean replaces what could steer a terminal: senders choose the text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, text)
}

// cell returns cleaned text in exactly width characters.
func cell(text string, width int) string {
	text = clip(text, width)
	return text + strings.Repeat(" ", width-utf8.RuneCountInString(text))
}

// clip returns cleaned text in at most width characters.
func clip(text string, width int) string {
	text = clean(text)
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}
