package tactical

import (
	"fmt"
	"strings"
	"unicode"
)

// What stands in a reason is short: a reason is one line in a verdict and on a screen.
const (
	maxReasonBytes = 400
	maxBriefBytes  = 60
)

// line formats a reason: one line of valid UTF-8 of at most maxReasonBytes.
func line(format string, args ...any) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, fmt.Sprintf(format, args...))
	return strings.TrimSpace(clip(text, maxReasonBytes))
}

// brief cuts a name or title for use within a sentence.
func brief(text string) string {
	if len(text) <= maxBriefBytes {
		return text
	}
	return clip(text, maxBriefBytes) + "…"
}

// naming names a recalled situation to people, as seen from present.
func (r recalled) naming(present *remembered) string {
	return fmt.Sprintf("%s (%q, %s; similarity %.2f; %s)",
		brief(r.ID), brief(r.Title), apart(present.OpenedAt-r.OpenedAt), r.similarity, r.outcome())
}

// apart says how far before the present a situation opened, in event time.
func apart(seconds int64) string {
	direction := "earlier"
	if seconds < 0 {
		seconds, direction = -seconds, "later"
	}
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	switch {
	case seconds < minute:
		return "at the same time"
	case seconds < 2*hour:
		return fmt.Sprintf("%d min %s", seconds/minute, direction)
	case seconds < 2*day:
		return fmt.Sprintf("%d h %s", seconds/hour, direction)
	default:
		return fmt.Sprintf("%d days %s", seconds/day, direction)
	}
}
