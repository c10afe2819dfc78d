package ingest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// text reads a quoted string and returns what stands between the quotes, still escaped.
func (s *scanner) text() ([]byte, error) {
	s.pos++
	start := s.pos
	for s.pos += plain(s.data[s.pos:]); s.pos < len(s.data); s.pos += plain(s.data[s.pos:]) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start : s.pos-1], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, s.fail("control characters in strings as escapes")
		default:
			s.pos++
		}
	}
	return nil, s.fail("a closing quote")
}

// plain returns how many bytes at the beginning of data stand for themselves in a JSON string, rounded down where data ends:
// no quote, no backslash, no control character. It looks at eight at a time (Warren, Hacker's Delight, section 6-1).
func plain(data []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for n := 0; ; n += 8 {
		if len(data)-n < 8 {
			return n
		}
		word := binary.LittleEndian.Uint64(data[n:])
		quote, slash := word^ones*'"', word^ones*'\\'
		// The lowest high bit that is set tells the first such byte; those above it may be wrong.
		found := ((word-ones*' ')&^word | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
}

func (s *scanner) escape() error {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		s.pos++
		for range 4 {
			if !isHex(s.peek()) {
				return s.fail("four hexadecimal digits")
			}
			s.pos++
		}
		return nil
	default:
		return s.fail("a JSON escape")
	}
}

func (s *scanner) word(want string) error {
	end := s.pos + len(want)
	if end > len(s.data) || string(s.data[s.pos:end]) != want {
		return s.fail("a JSON value")
	}
	s.pos = end
	return nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.fail("a digit")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("a digit")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail("a digit")
		}
	}
	return nil
}

// digits skips digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')
}

// unescape returns the text of a scanned string without its quotes. It copies only where
// there is an escape.
func unescape(inner []byte) []byte {
	if bytes.IndexByte(inner, '\\') >= 0 {
		return []byte(unquoteSlow(inner))
	}
	return inner
}

// unquote returns the text of a scanned string with its quotes.
func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return unquoteSlow(inner)
	}
	return string(inner)
}

func unquoteSlow(inner []byte) string {
	quoted := make([]byte, 0, len(inner)+2)
	quoted = append(append(append(quoted, '"'), inner...), '"')
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "" // Cannot be: the scanner accepts no string that encoding/json refuses.
	}
	return text
}

// runeBytes is the length of the first character of a non-empty text.
func runeBytes(text string) int {
	_, n := utf8.DecodeRuneInString(text)
	return n
}
