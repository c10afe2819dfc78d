package doctor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style says how a report is written for people.
type Style struct {
	Art    bool // the eye, and a word of encouragement
	Colour bool
	All    bool // every finding with all that is known
	Width  int  // characters of a line; 0 stands for 80
}

// The colours, as terminals know them.
const (
	red    = "31;1"
	yellow = "33;1"
	green  = "32;1"
	cyan   = "36"
	dim    = "2"
	bold   = "1"
)

// paint colours a text.
func (s Style) paint(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) width() int {
	if s.Width <= 0 {
		return 80
	}
	return max(40, s.Width)
}

// clean replaces what could steer a terminal: reasons and messages come from elsewhere.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, text)
}

// wrap breaks a text at spaces into at most so many lines of a width; what is beyond is cut.
func wrap(text string, width, lines int) (list []string) {
	words := strings.Fields(clean(text))
	line := ""
	for i, word := range words {
		next := word
		if line != "" {
			next = line + " " + word
		}
		if utf8.RuneCountInString(next) <= width {
			line = next
			continue
		}
		if len(list) == lines-1 {
			return append(list, cut(strings.TrimSpace(line+" "+strings.Join(words[i:], " ")), width))
		}
		if line != "" {
			list = append(list, line)
		}
		line = cut(word, width)
	}
	if line != "" {
		list = append(list, line)
	}
	return list
}

// cut shortens a text to a width.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// pad fills a text up to a width, on its left where the width is negative.
func pad(text string, width int) string {
	missing := strings.Repeat(" ", max(0, max(width, -width)-utf8.RuneCountInString(text)))
	if width < 0 {
		return missing + text
	}
	return text + missing
}
