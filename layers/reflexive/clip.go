package reflexive

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clipBytes is how much of a name goes into a reason: two of them fit beside the sentence.
const clipBytes = 80

// clip makes what a sender chose fit for a reason: short, and one line that can be read.
func clip(text string) string {
	rest := ""
	if len(text) > clipBytes {
		text, rest = cut(text, clipBytes), "…"
	}
	readable := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
	return "“" + readable + rest + "”"
}

// cut returns at most so many bytes of text, and no half of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	at := most
	for at > most-utf8.UTFMax && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at]
}
