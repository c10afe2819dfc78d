package tactical

import (
	"fmt"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// changes returns why a worsened situation gets a revised plan, as one sentence; nothing for a
// situation that was just opened.
func changes(c *planCase) []string {
	if c.present.Revision <= 1 {
		return nil
	}
	if c.earlier == nil {
		return []string{fmt.Sprintf("The situation worsened (revision %d); what it was before is not remembered here.",
			c.present.Revision)}
	}
	subject := "No plan stood before"
	if c.earlier.PlanID != "" {
		subject = "This revises " + c.earlier.PlanID
	}
	if what := differences(c.earlier, c.present); len(what) > 0 {
		return []string{fmt.Sprintf("%s: %s.", subject, strings.Join(what, ", "))}
	}
	return []string{fmt.Sprintf("%s: revision %d came after revision %d, with the same severity, members and entities.",
		subject, c.present.Revision, c.earlier.Revision)}
}

// differences says what became of before.
func differences(before, after *remembered) []string {
	var all []string
	if from, to := before.Description.Severity, after.Description.Severity; from != to {
		verb := "rose"
		if to < from {
			verb = "fell"
		}
		all = append(all, fmt.Sprintf("severity %s from %s to %s", verb, word(from), word(to)))
	}
	if before.Members != after.Members {
		all = append(all, fmt.Sprintf("members went from %d to %d", before.Members, after.Members))
	}
	var joined []string
	for _, entity := range after.Description.Entities {
		if !slices.Contains(before.Description.Entities, entity) {
			joined = append(joined, entity)
		}
	}
	if len(joined) > 0 {
		all = append(all, "now also about "+strings.Join(joined, ", "))
	}
	return all
}

// word names a severity in a sentence.
func word(s layers.Severity) string {
	if s == layers.SeverityUnset {
		return "unset"
	}
	return s.String()
}
