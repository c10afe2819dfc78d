package implementation

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// hole is how a variable place is written in a template.
const hole = "<*>"

// Bounds of what is read of a text. What lies beyond tells templates apart no more.
const (
	maxLineBytes  = 1024
	maxTokens     = 100
	maxParameters = 32
	maxParameter  = 128 // bytes
)

// span is a half-open range.
type span struct{ start, end int }

// token is a word of a line, masked: what is obviously variable in it is a hole.
type token struct {
	masked span   // in line.buffer
	raw    span   // in line.text
	holes  span   // in line.holes
	hash   uint64 // of the masked form
	kind   kind   // once looked up
}

// line is a text, masked and cut into tokens. It is read anew for every signal and keeps its
// buffers.
type line struct {
	words  map[string]struct{} // state words
	text   string
	buffer []byte
	tokens []token
	holes  []span // in text
}

// read masks the first line of text that says something: what follows it (a stack trace, a
// dump) varies without changing what happened. It returns false where nothing says anything.
func (l *line) read(text string) bool {
	l.reset(firstLine(text))
	l.maskFrom(0)
	return len(l.tokens) > 0
}

// readShape reads what stands for the text of data without one: its type, as it is, and the
// names of its fields, masked, since some senders make names of identifiers.
func (l *line) readShape(kind string, names []string) bool {
	kind = strings.ToValidUTF8(clip(kind, maxName), "")
	if end := strings.IndexFunc(kind, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }); end >= 0 {
		kind = kind[:end]
	}
	l.reset(clipLine(strings.ToValidUTF8(kind+" { "+strings.Join(names, " ")+" }", "\uFFFD")))
	if kind != "" {
		l.mask(span{0, len(kind)}, (*line).keep)
	}
	l.maskFrom(len(kind))
	return len(l.tokens) > 0
}

func (l *line) reset(text string) {
	l.text, l.buffer, l.tokens, l.holes = text, l.buffer[:0], l.tokens[:0], l.holes[:0]
}

func (l *line) maskFrom(at int) {
	for at < len(l.text) {
		if isSpace(l.text[at]) {
			at++
			continue
		}
		if len(l.tokens) == maxTokens-1 {
			l.mask(span{at, len(l.text)}, (*line).maskRest)
			return
		}
		end := at
		for end < len(l.text) && !isSpace(l.text[end]) {
			end++
		}
		l.mask(span{at, end}, (*line).maskToken)
		at = end
	}
}

// mask adds the token that lies at raw, unless it only continues the one before.
func (l *line) mask(raw span, with func(*line, span)) {
	t := token{raw: raw, masked: span{start: len(l.buffer)}, holes: span{start: len(l.holes)}}
	with(l, raw)
	t.masked.end, t.holes.end = len(l.buffer), len(l.holes)
	if l.continues(&t) {
		return
	}
	t.hash = hashBytes(l.buffer[t.masked.start:t.masked.end])
	l.tokens = append(l.tokens, t)
}

// continues joins t to the token before it where t is the unit of its number ("5.2 KB") or the
// next of a list of which only the length varies ("blk_1 blk_2").
func (l *line) continues(t *token) bool {
	if len(l.tokens) == 0 {
		return false
	}
	last := &l.tokens[len(l.tokens)-1]
	if last.holes.start == last.holes.end {
		return false
	}
	masked := l.buffer[t.masked.start:t.masked.end]
	open := l.holes[last.holes.end-1].end == last.raw.end // nothing stands behind its last hole
	unit := strings.TrimRight(l.text[t.raw.start:t.raw.end], ",;.)]")
	switch {
	case slices.Equal(masked, l.buffer[last.masked.start:last.masked.end]):
		l.holes = l.holes[:last.holes.end]
		if open {
			l.holes[last.holes.end-1].end = t.raw.end
		}
		l.buffer = l.buffer[:t.masked.start]
	case open && t.holes.start == t.holes.end && isUnit(unit):
		end := t.raw.start + len(unit)
		l.holes[last.holes.end-1].end = end
		l.buffer = append(l.buffer[:t.masked.start], l.text[end:t.raw.end]...)
		last.masked.end = len(l.buffer)
		last.hash = hashBytes(l.buffer[last.masked.start:last.masked.end])
	default:
		return false
	}
	last.raw.end = t.raw.end
	return true
}

// word returns the masked form of the i-th token.
func (l *line) word(i int) string {
	return string(l.buffer[l.tokens[i].masked.start:l.tokens[i].masked.end])
}

// kind says what the i-th token is.
func (l *line) kind(i int) kind {
	t := &l.tokens[i]
	if t.kind == 0 {
		t.kind = kindOf(l.words, l.word(i))
	}
	return t.kind
}

// parameters returns what stands in the line at the holes of its template.
func (l *line) parameters(t *template) []string {
	var all []string
	for i := range l.tokens {
		found := l.holes[l.tokens[i].holes.start:l.tokens[i].holes.end]
		if t.hashes[i] != l.tokens[i].hash { // The template has a hole where the line has a word.
			found = []span{l.tokens[i].raw}
		}
		for _, s := range found {
			if len(all) == maxParameters {
				return all
			}
			all = append(all, clip(l.text[s.start:s.end], maxParameter))
		}
	}
	return all
}

func firstLine(text string) string {
	for rest := text; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "\n")
		if strings.ContainsFunc(first, isSaying) {
			return strings.ToValidUTF8(clipLine(first), "\uFFFD")
		}
	}
	return ""
}

// clipLine cuts a line that is too long between words: half a word is another one.
func clipLine(text string) string {
	if len(text) <= maxLineBytes {
		return text
	}
	text = clip(text, maxLineBytes)
	if space := strings.LastIndexByte(text, ' '); space > 0 {
		text = text[:space]
	}
	return text
}

// clip cuts text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
