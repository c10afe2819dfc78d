package reflexive

import (
	"slices"
	"strings"
)

// appendWording appends a text in which every number stands as #, with its unit: "93 % of 1.5 GiB for
// 5m30s" reads like "95.2 % of 800 MiB for 2h". Digits behind a letter belong to a name (node-1, eth0),
// and so do addresses (10.0.0.1): those stay.
func appendWording(b []byte, text string) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if !isDigit(c) || i > 0 && isNamePart(text, i) {
			b = append(b, c)
			i++
			continue
		}
		end := numberEnd(text, i)
		if strings.Count(text[i:end], ".") >= 3 || strings.Count(text[i:end], ":") > 3 {
			b = append(b, text[i:end]...)
		} else {
			b, end = appendNumber(b, text, end)
		}
		i = end
	}
	return b
}

// appendNumber appends # for a number that ends at end, and skips the unit behind it. Numbers in a row, such as
// 1h 5m, are one.
func appendNumber(b []byte, text string, end int) ([]byte, int) {
	word := end
	for word < len(text) && text[word] == ' ' {
		word++
	}
	stop := word
	for stop < len(text) && isUnitByte(text[stop]) {
		stop++
	}
	if stop > word && isUnit(text[word:stop]) {
		end = stop
	}
	b = trimSign(b)
	if n := len(b); n >= 2 && b[n-1] == ' ' && b[n-2] == '#' {
		return b[:n-1], end
	}
	return append(b, '#'), end
}

// trimSign drops the sign before a number.
func trimSign(b []byte) []byte {
	n := len(b)
	if n > 0 && (b[n-1] == '-' || b[n-1] == '+') && (n == 1 || !isLetter(b[n-2]) && !isDigit(b[n-2])) {
		return b[:n-1]
	}
	return b
}

// numberEnd returns where what begins with a digit ends: 2026-11-26T10:00:00Z, 5m30s, 1,234.5, 0x1f.
func numberEnd(text string, i int) int {
	for i < len(text) {
		c := text[i]
		joins := (c == '.' || c == ',' || c == ':' || c == '-' || c == '/' || c == '+') && i+1 < len(text) && isDigit(text[i+1])
		if !isDigit(c) && !isLetter(c) && c != '%' && !joins {
			break
		}
		i++
	}
	return i
}

// isNamePart reports whether the digit at i belongs to a name that began before it.
func isNamePart(text string, i int) bool {
	before := text[i-1]
	if isLetter(before) || before == '_' || before >= 0x80 && isDigit(text[i]) && before != 0xb0 {
		return true
	}
	return (before == '-' || before == '.' || before == '/') && i > 1 && (isLetter(text[i-2]) || isDigit(text[i-2]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isUnitByte(c byte) bool { return isLetter(c) || c == '%' || c == '/' }

// isUnit knows the units that stand behind a number with a space between.
func isUnit(word string) bool {
	if len(word) > len("milliseconds") {
		return false
	}
	return slices.Contains([]string{
		"%", "percent", "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "bytes", "b/s", "kb/s", "mb/s", "gb/s",
		"ns", "us", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes",
		"h", "hr", "hrs", "hour", "hours", "d", "day", "days", "milliseconds", "k", "c", "f",
	}, strings.ToLower(word))
}
