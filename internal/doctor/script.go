package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Script returns the steps of a report as a shell script. What only looks comes first and runs; what changes something
// is a comment, for whoever has read it to take the # away.
func Script(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/sh
# Recovery steps, written by hal9 doctor at %s.
# %s; %s
#
# As it stands this script only looks. Each line that changes something is commented
# out: read it, take the # away, run the script again or type the line.
`, r.At.UTC().Format(time.RFC3339), comment(r.Verdict), comment(r.Place))
	for _, step := range r.Escalation {
		who := "anything"
		if step.Severity != "" {
			who = "what is " + step.Severity
		}
		when := "at once"
		if step.After > 0 {
			when = "after " + age(step.After)
		}
		fmt.Fprintf(&b, "# call %s: %s, %s\n", comment(step.Contact), who, when)
	}
	if strings.Contains(r.Again, secretNATS) {
		b.WriteString("\n: \"${HAL9_NATS:?say where NATS is: its address has a password, which is not written here}\"\n")
	}
	var asked []string
	b.WriteString("\n# ---- 1. look -------------------------------------------------------------\n")
	for i := range r.Findings {
		finding := &r.Findings[i]
		fmt.Fprintf(&b, "\n# %d. %s: %s\n", i+1, finding.Severity, comment(finding.What))
		for _, e := range finding.Evidence {
			fmt.Fprintf(&b, "#    %s\n", comment(e))
		}
		for _, c := range finding.Commands {
			if c.Changes || slices.Contains(asked, c.Run) {
				continue
			}
			asked = append(asked, c.Run)
			b.WriteString(scriptLine(&c))
		}
	}
	b.WriteString("\n# ---- 2. change, one at a time, the first finding first -------------------\n")
	for i := range r.Findings {
		finding := &r.Findings[i]
		for _, c := range finding.Commands {
			if c.Changes && !slices.Contains(asked, c.Run) {
				asked = append(asked, c.Run)
				fmt.Fprintf(&b, "\n# for %d, %s\n%s", i+1, comment(finding.What), scriptLine(&c))
			}
		}
	}
	b.WriteString("\n# ---- 3. look again -------------------------------------------------------\n\n" + comment(r.Again) + "\n")
	return b.String()
}

func scriptLine(c *Command) string {
	why := ""
	if c.Why != "" {
		why = "   # " + comment(c.Why)
	}
	if c.Changes || c.Advice {
		return "# " + comment(c.Run) + why + "\n"
	}
	return comment(c.Run) + why + "\n"
}

// comment keeps a text on its line: messages come from elsewhere.
func comment(text string) string { return clean(text) }
