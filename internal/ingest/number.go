package ingest

import (
	"math"
	"strconv"
)

// maxNumberBytes bounds what is taken for a bare number: longer runs of digits are text.
const maxNumberBytes = 64

// isNumber reports whether text is a decimal number as people write it: an optional sign,
// digits with at most one point, an optional exponent. "NaN", "Inf" and hexadecimal are text.
func isNumber(text []byte) bool {
	if len(text) == 0 || len(text) > maxNumberBytes {
		return false
	}
	s := scanner{data: text}
	s.sign()
	whole := s.digits()
	fraction := false
	if s.peek() == '.' {
		s.pos++
		fraction = s.digits()
	}
	if !whole && !fraction {
		return false
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		s.sign()
		if !s.digits() {
			return false
		}
	}
	return s.pos == len(text)
}

func (s *scanner) sign() {
	if c := s.peek(); c == '-' || c == '+' {
		s.pos++
	}
}

// isFiniteNumber reports whether text is a number that a float64 can hold.
func isFiniteNumber(text []byte) bool {
	if !isNumber(text) {
		return false
	}
	value, err := strconv.ParseFloat(string(text), 64)
	return err == nil && !math.IsInf(value, 0)
}
