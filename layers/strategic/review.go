package strategic

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// A reason is one line in a verdict and on a screen.
const (
	maxNamed       = 3 // objectives named in a reason
	maxReasonBytes = 400
	maxBriefBytes  = 40
)

// review is what one answer of the layer is made from.
type review struct {
	concerned []Report          // the most endangered first
	situation *layers.Situation // nil where the signal brought none
	planID    string
	nth       int // which situation on its key it is within days; 0 where that is not known
	days      int
	changes   []Change // about the key, the latest first
}

// concerned returns the objectives that a review looks at: all that have data, the one with
// the least error budget first.
func concerned(reports []Report) []Report {
	var all []Report
	for _, r := range reports {
		if r.Total > 0 {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Report) int { return cmp.Compare(a.BudgetRemaining, b.BudgetRemaining) })
	return all
}

// reason says how the objectives stand, what becomes of the plan and how often the key was here.
func (r *review) reason() string {
	return line(r.standing() + ": " + r.answer())
}

// standing tells of the most endangered objective in full and of up to two more in short.
func (r *review) standing() string {
	if len(r.concerned) == 0 {
		return "no objective has data yet"
	}
	worst := &r.concerned[0]
	text := brief(worst.Objective) + " " + budget(worst.BudgetRemaining)
	if worst.RecentTotal > 0 {
		text += ", burning " + short(worst.RecentBurnRate) + "x"
	}
	var others []string
	for _, other := range r.concerned[1:min(len(r.concerned), maxNamed)] {
		others = append(others, brief(other.Objective)+" "+percent(other.BudgetRemaining))
	}
	if len(others) > 0 {
		text += " (also " + strings.Join(others, ", ") + ")"
	}
	return text
}

// answer says what follows for the situation.
func (r *review) answer() string {
	if r.situation == nil {
		return "no situation came with this signal, nothing to review"
	}
	text := "plan " + brief(r.planID) + " stands"
	switch {
	case r.planID == "":
		text = "nobody planned situation " + brief(r.situation.ID) + ", a person must look"
	case len(r.concerned) > 0 && r.concerned[0].BudgetRemaining <= 0:
		text += " and is urgent"
	}
	if r.nth > 0 {
		text += fmt.Sprintf("; %s situation on %s to reach L5 in %d days", ordinal(r.nth), brief(r.situation.Key), r.days)
	}
	if len(r.changes) > 0 {
		text += "; " + r.changes[0].String()
	}
	return text
}

// budget says in words what is left of an error budget.
func budget(remaining float64) string {
	const visible = 0.0005 // less than that is 0.0 %
	switch {
	case remaining >= visible:
		return "has " + percent(remaining) + " of its error budget left"
	case remaining > -visible:
		return "has spent its error budget"
	default:
		return "has overspent its error budget by " + percent(-remaining)
	}
}

func percent(share float64) string { return short(100*share) + " %" }

// short writes x with at most one digit after the point.
func short(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}

// ordinal writes 1 as "1st", 12 as "12th".
func ordinal(n int) string {
	suffix := "th"
	if tens := n % 100; tens < 11 || tens > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// line makes text one line of valid UTF-8 of at most maxReasonBytes.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(clip(text, maxReasonBytes))
}

// brief cuts a name for use within a sentence.
func brief(text string) string {
	if len(text) <= maxBriefBytes {
		return text
	}
	return clip(text, maxBriefBytes) + "…"
}

// clip cuts text to at most limit bytes of valid UTF-8.
func clip(text string, limit int) string {
	if len(text) > limit {
		for limit > 0 && !utf8.RuneStart(text[limit]) {
			limit--
		}
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "?")
}
