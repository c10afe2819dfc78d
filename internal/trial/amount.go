package trial

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// amount is a number that is expected, or a range of them. The zero value expects nothing.
type amount struct {
	given     bool
	low, high float64 // both included
	text      string  // as the file says it
}

func (a amount) String() string { return a.text }

var errAmount = errors.New(`want a number such as 3, or a range such as ">= 3", "< 3" or "2..5"`)

// parseAmount reads what a file says: a number, text as in errAmount, or nothing.
func parseAmount(value any) (amount, error) {
	switch value := value.(type) {
	case nil:
		return amount{}, nil
	case float64:
		return amount{given: true, low: value, high: value, text: strconv.FormatFloat(value, 'g', -1, 64)}, nil
	case string:
		a, err := parseRange(value)
		a.text = value
		return a, err
	}
	return amount{}, errAmount
}

func parseRange(text string) (amount, error) {
	if low, high, ok := strings.Cut(text, ".."); ok {
		from, err := parseNumber(low)
		to, err2 := parseNumber(high)
		if err != nil || err2 != nil || from > to {
			return amount{}, errAmount
		}
		return amount{given: true, low: from, high: to}, nil
	}
	for _, sign := range [...]string{">=", "<=", ">", "<", ""} {
		rest, ok := strings.CutPrefix(strings.TrimSpace(text), sign)
		if !ok {
			continue
		}
		n, err := parseNumber(rest)
		if err != nil {
			return amount{}, errAmount
		}
		switch sign {
		case ">=":
			return amount{given: true, low: n, high: math.Inf(1)}, nil
		case "<=":
			return amount{given: true, low: math.Inf(-1), high: n}, nil
		case ">":
			return amount{given: true, low: math.Nextafter(n, math.Inf(1)), high: math.Inf(1)}, nil
		case "<":
			return amount{given: true, low: math.Inf(-1), high: math.Nextafter(n, math.Inf(-1))}, nil
		default:
			return amount{given: true, low: n, high: n}, nil
		}
	}
	return amount{}, errAmount
}

func parseNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, errAmount
	}
	return n, nil
}

func (a amount) holds(n float64) bool { return !a.given || n >= a.low && n <= a.high }

// glob reports whether text is what a pattern says; * stands for any text, and the empty pattern for all.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
