package implementation

import (
	"strings"
)

// numbers finds the measured numbers in a text:
//
//   - key=number, such as "size=5": feature "size"
//   - key=duration, such as "elapsed=35ms": feature "elapsed_seconds"
//   - a duration behind a word, such as "took 35ms" or "took 35 ms": feature "took_seconds"
//
// Other numbers are as often names (ports, ids, codes) as measures, and are parameters only.
func (l *line) numbers() []number {
	var all []number
	before := ""
	for i := range l.tokens {
		if len(all) == maxFeatures {
			break
		}
		t := &l.tokens[i]
		word := l.text[t.raw.start:t.raw.end]
		if t.holes.start < t.holes.end {
			if n, ok := readNumber(before, word); ok {
				all = append(all, n)
			}
		}
		before = word
	}
	return all
}

// readNumber reads a word and, for its name, the word before.
func readNumber(before, word string) (n number, ok bool) {
	value := strings.TrimRight(word, ",;.)]}\"'")
	name, after, isPair := strings.Cut(value, "=")
	if isPair {
		value = after
	} else {
		name = before
	}
	name = strings.TrimFunc(name, func(r rune) bool { return r < 0x80 && !isWord(byte(r)) || r == '.' || r == '-' })
	if name == "" || len(name) > maxName-len("_seconds") {
		return number{}, false
	}
	value = strings.TrimLeft(value, "\"'([{")
	if seconds, ok := parseDuration(value); ok {
		return number{name + "_seconds", seconds}, true
	}
	x, ok := parseNumber(value)
	return number{name, x}, ok && isPair
}

// parseDuration reads one number with a unit of time, in seconds.
func parseDuration(text string) (seconds float64, ok bool) {
	end := len(text)
	for end > 0 && !isDigit(text[end-1]) {
		end--
	}
	x, ok := parseNumber(text[:end])
	if !ok {
		return 0, false
	}
	switch strings.TrimLeft(text[end:], " \t") {
	case "ns":
		return x / 1e9, true
	case "us", "µs", "μs":
		return x / 1e6, true
	case "ms":
		return x / 1e3, true
	case "s", "sec", "secs":
		return x, true
	case "m", "min":
		return x * 60, true
	case "h":
		return x * 3600, true
	}
	return 0, false
}
