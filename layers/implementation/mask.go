package implementation

import (
	"strings"
	"unicode"
)

// maskRest makes one hole of all that is left of a line.
func (l *line) maskRest(raw span) { l.put(raw.start, raw.end, true) }

// keep writes a token as it is.
func (l *line) keep(raw span) { l.put(raw.start, raw.end, false) }

// maskToken writes the masked form of one token. The masks are the same for all sources:
//
//   - words with a digit: numbers, addresses, versions, hashes, identifiers
//   - paths, URLs and mail addresses
//   - host names of three or more labels, hexadecimal words of eight or more letters
//   - the names of months and days
//   - what stands in empty parentheses and behind an equals sign: nothing
func (l *line) maskToken(raw span) {
	text := l.text[raw.start:raw.end]
	switch {
	case text == "()" || text == "[]":
		l.put(raw.start, raw.start+1, false)
		l.put(raw.start+1, raw.start+1, true)
		l.put(raw.start+1, raw.end, false)
		return
	case isCalendar(strings.TrimRight(text, ",")):
		end := raw.start + len(strings.TrimRight(text, ","))
		l.put(raw.start, end, true)
		l.put(end, raw.end, false)
		return
	}
	for at := raw.start; at < raw.end; {
		end, variable := l.part(raw, at)
		l.put(at, end, variable)
		if l.text[at] == '=' && (end == raw.end || strings.IndexByte(",;)]", l.text[end]) >= 0) {
			l.put(end, end, true)
		}
		at = end
	}
}

// part returns where the part of the token that begins at at ends, and whether it is variable.
func (l *line) part(raw span, at int) (end int, variable bool) {
	rest := l.text[at:raw.end]
	if strings.HasPrefix(rest, hole) {
		return at + len(hole), true
	}
	if at == raw.start || strings.IndexByte(`([{"'=:,;`, l.text[at-1]) >= 0 {
		if n := pathLength(rest); n > 0 {
			return at + n, true
		}
	}
	if !isWord(rest[0]) || strings.HasPrefix(rest, "..") {
		n := 1
		for strings.HasPrefix(rest, "..") && n < len(rest) && rest[n] == '.' {
			n++
		}
		return at + n, false
	}
	if n := addressLength(rest); n > 0 {
		return at + n, true
	}
	word := rest[:wordLength(rest)]
	if core := strings.TrimRight(word, "."); core != "" && isVariable(core) {
		return at + len(core), true
	}
	return at + len(word), false
}

// put writes text as it is or as a hole. Holes that nothing or only a joint separates are one.
func (l *line) put(start, end int, variable bool) {
	if !variable {
		l.buffer = append(l.buffer, l.text[start:end]...)
		return
	}
	if n := len(l.holes); n > 0 {
		switch last := &l.holes[n-1]; {
		case last.end == start:
			last.end = end
			return
		case last.end == start-1 && strings.IndexByte(":/,", l.text[start-1]) >= 0:
			l.buffer = l.buffer[:len(l.buffer)-1]
			last.end = end
			return
		}
	}
	l.buffer = append(l.buffer, hole...)
	l.holes = append(l.holes, span{start, end})
}

// wordLength is the length of the word at the start of text; dots in a row end it.
func wordLength(text string) int {
	n := 0
	for n < len(text) && isWord(text[n]) && !strings.HasPrefix(text[n:], "..") {
		n++
	}
	return n
}

// pathLength is the length of the file path at the start of text, 0 where there is none.
func pathLength(text string) int {
	slash := strings.IndexByte(text, '/')
	if slash < 0 || slash > 2 || slash+1 == len(text) || !isWord(text[slash+1]) {
		return 0
	}
	if before := text[:slash]; before != "" && before != "." && before != ".." && before != "~" {
		return 0
	}
	return trimmedLength(text, `:,;()[]"'<>`)
}

// addressLength is the length of the URL, the drive path or the row of hexadecimal groups
// (time of day, MAC or IPv6 address) at the start of text, 0 where there is none.
func addressLength(text string) int {
	n := wordLength(text)
	switch rest := text[n:]; {
	case strings.HasPrefix(rest, "://"):
		return trimmedLength(text, `,;()[]"'<>`)
	case n == 1 && strings.HasPrefix(rest, `:\`):
		return trimmedLength(text, `,;()[]"'<>`)
	case !strings.HasPrefix(rest, ":"):
		return 0
	}
	colons, digits, end := 0, 0, 0
	for ; end < len(text) && (text[end] == ':' || isHex(text[end])); end++ {
		if text[end] == ':' {
			colons++
		} else if isDigit(text[end]) {
			digits++
		}
	}
	if colons < 2 || digits == 0 || text[end-1] == ':' || end < len(text) && isWord(text[end]) {
		return 0
	}
	return end
}

// trimmedLength is the length up to the first of the stops, without what ends a sentence.
func trimmedLength(text, stops string) int {
	if end := strings.IndexAny(text, stops); end >= 0 {
		text = text[:end]
	}
	return len(strings.TrimRight(text, ".:"))
}

// isVariable says whether a word is no word of the message.
func isVariable(word string) bool {
	dots, hex, host := 0, 0, true
	for i := range len(word) {
		c := word[i]
		switch {
		case isDigit(c):
			return true
		case c == '@' && i > 0 && i < len(word)-1:
			return true
		case c == '.':
			dots++
			host = host && i > 0
		case c < 'a' || c > 'z':
			host = host && c == '-'
		}
		if isHex(c) {
			hex++
		}
	}
	return host && dots >= 2 || hex == len(word) && len(word) >= 8
}

func isSpace(c byte) bool { return c <= ' ' || c == 0x7f }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isWord(c byte) bool {
	switch c {
	case '_', '.', '-', '+', '$', '%', '@':
		return true
	}
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isSaying(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isCalendar(word string) bool {
	switch word {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}

// isUnit says whether a word is the unit of the number before it.
func isUnit(word string) bool {
	switch word {
	case "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB",
		"ns", "us", "µs", "ms", "s", "sec", "secs", "%", "Hz", "kHz", "MHz", "GHz":
		return true
	}
	return false
}
