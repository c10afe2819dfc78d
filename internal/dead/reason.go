package dead

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxClass bounds a class of reasons, characters.
const maxClass = 160

// Class returns what reasons of one kind have in common: numbers become #, and what is quoted …,
// but for names of fields.
func Class(reason string) string {
	var b strings.Builder
	rest := ShortReason(reason)
	for n := 0; rest != "" && n < maxClass; n++ {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == '"' && !strings.HasSuffix(b.String(), "field "):
			b.WriteString(`"…"`)
			rest = afterQuoted(rest)
		case r == '"':
			quoted := rest[:len(rest)-len(afterQuoted(rest))]
			b.WriteString(quoted)
			rest = rest[len(quoted):]
		case unicode.IsDigit(r):
			b.WriteByte('#')
			rest = strings.TrimLeftFunc(rest, func(r rune) bool { return unicode.IsDigit(r) || r == ',' || r == '.' })
		default:
			b.WriteRune(r)
			rest = rest[size:]
		}
	}
	return strings.TrimSpace(b.String())
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
