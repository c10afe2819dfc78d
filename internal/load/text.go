package load

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// latencyText writes a latency with three digits: 870 µs, 1.20 ms, 45.6 s.
func latencyText(d time.Duration) string {
	value, unit := scaled(d)
	return digits(value) + unit
}

// boundText writes a bound, which is a round number: 500 µs, 2 ms.
func boundText(d time.Duration) string {
	value, unit := scaled(d)
	return short(value) + unit
}

func scaled(d time.Duration) (value float64, unit string) {
	switch {
	case d >= time.Second:
		return d.Seconds(), " s"
	case d >= time.Millisecond:
		return float64(d) / float64(time.Millisecond), " ms"
	default:
		return float64(d) / float64(time.Microsecond), " µs"
	}
}

// digits writes a number with three digits, more where it has more before the point.
func digits(value float64) string {
	if value >= 1000 {
		return countText(uint64(value + 0.5))
	}
	decimals := 2
	for limit := 9.995; decimals > 0 && value >= limit; limit *= 10 {
		decimals--
	}
	return strconv.FormatFloat(value, 'f', decimals, 64)
}

// short writes what digits writes without zeros at its end.
func short(value float64) string {
	text := digits(value)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// percentText writes a share: 0.25 %, 1 %.
func percentText(share float64) string { return short(100*share) + " %" }

// countText writes a count with commas.
func countText[T uint64 | int](n T) string {
	text := strconv.FormatUint(uint64(n), 10)
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// plainText returns an error's text without the name of this module's package and without what could
// steer a terminal: part of it comes from the target.
func plainText(text string) string {
	for _, name := range []string{"load: ", "bus: "} {
		text = strings.TrimPrefix(text, name)
	}
	const most = 200
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}
