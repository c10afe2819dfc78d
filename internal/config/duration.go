package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads what time.ParseDuration reads, and days before it: "30d", "1d12h". A
// number needs a unit: whether 30 means seconds or minutes is nothing to guess.
func parseDuration(text string) (time.Duration, error) {
	if len(text) > maxQuoted {
		return 0, fmt.Errorf("%q is no duration", shorten(text))
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit: write %ss, %sm, %sh or %sd", text, text, text, text, text)
	}
	errSyntax := fmt.Errorf("%q is no duration: want numbers with a unit d, h, m, s or ms, such as 30d, 5m or 1h30m", text)
	days, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		days, rest = "", text
	}
	var sum float64
	if hasDays {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || strings.ContainsAny(days, "xXpP_nNeE") {
			return 0, errSyntax
		}
		sum = n * float64(day)
	}
	if math.Abs(sum) >= float64(math.MaxInt64)/2 {
		return 0, errors.New(text + " is longer than any duration may be")
	}
	if hasDays && rest == "" {
		return time.Duration(sum), nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 && hasDays {
		return 0, errSyntax
	}
	if d > math.MaxInt64/2 {
		return 0, errors.New(text + " is longer than any duration may be")
	}
	return time.Duration(sum) + d, nil
}
