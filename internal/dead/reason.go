package dead

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxClass bounds a class of reasons, characters.
const maxClass = 160

// Class returns what reasons of one kind have in common: numbers become #, and what is quoted …, but
// for names of fields. What would have been wanted is left out, since it follows from the rest.
func Class(reason string) string {
	var b strings.Builder
	rest, _, _ := strings.Cut(ShortReason(reason), "; want ")
	for n := 0; rest != "" && n < maxClass; n++ {
		size := 0
		switch r, width := utf8.DecodeRuneInString(rest); {
		case r == '"':
			size = len(rest) - len(afterQuoted(rest))
			if strings.HasSuffix(b.String(), "field ") {
				b.WriteString(rest[:size])
			} else {
				b.WriteString(`"…"`)
			}
		case unicode.IsDigit(r):
			size = numberLength(rest)
			if belongs(b.String()) {
				b.WriteString(rest[:size])
			} else {
				b.WriteByte('#')
			}
		default:
			size = width
			b.WriteRune(r)
		}
		rest = rest[size:]
	}
	return strings.TrimSpace(b.String())
}

// numberLength returns how many bytes of a text are the number that it begins with, commas and points
// between digits included.
func numberLength(text string) int {
	rest := strings.TrimLeftFunc(text, unicode.IsDigit)
	if len(rest) > 1 && (rest[0] == ',' || rest[0] == '.') && rest[1] >= '0' && rest[1] <= '9' {
		return len(text) - len(rest) + 1 + numberLength(rest[1:])
	}
	return len(text) - len(rest)
}

// belongs reports whether a number is part of a name, as in UTF-8, base64, RFC 3339 and HTTP 503.
func belongs(before string) bool {
	word := before[strings.LastIndexFunc(strings.TrimSuffix(before, " "), unicode.IsSpace)+1:]
	if trimmed, apart := strings.CutSuffix(word, " "); apart {
		return len(trimmed) > 1 && strings.ToUpper(trimmed) == trimmed && unicode.IsUpper(rune(trimmed[0]))
	}
	return strings.ContainsFunc(word, unicode.IsLetter)
}

// afterQuoted returns what follows a quoted text, nothing where it does not end.
func afterQuoted(text string) string {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[i+1:]
		}
	}
	return ""
}

// ShortReason returns a reason without the name of the package that says so.
func ShortReason(reason string) string {
	for _, name := range [...]string{"pipeline: ", "ingest: "} {
		reason = strings.TrimPrefix(reason, name)
	}
	return reason
}
