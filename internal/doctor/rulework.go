package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/journal"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// findDead says what died lately.
func findDead(f *Facts) []Finding {
	n := f.NATS
	if n == nil || n.Last == nil || n.Dead == nil {
		return nil
	}
	first, _ := streamIn(n.First, pipeline.StreamDead)
	last, _ := n.stream(pipeline.StreamDead)
	more := int(last.Last - min(first.Last, last.Last))
	if n.Dead.Letters == 0 && more == 0 {
		if n.DeadAll == 0 {
			return nil
		}
		return []Finding{{
			ID: "dead-letters", Severity: SeverityNote, What: plural(n.DeadAll, "dead letter") + ", none of the last hour",
			Evidence: []string{"kept until somebody puts them back or the stream drops them"}, Commands: []Command{look(f.hal9("dead ls"), "")},
		}}
	}
	finding := Finding{
		ID: "dead-letters", Severity: SeverityWarning, What: plural(n.Dead.Letters, "dead letter") + " in the last hour",
		Commands: []Command{
			look(f.hal9("dead ls --since 1h"), "reasons, and the newest"),
			run(f.hal9("dead redrive --all --dry-run"), "without --dry-run: back into L1, once what was wrong is mended"),
		},
	}
	if more > 0 {
		finding.What += fmt.Sprintf(", and rising: %s in %s", number(more), age(n.Apart))
	}
	for _, group := range n.Dead.Groups[:min(len(n.Dead.Groups), shownOf)] {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("%s × %s %s", number(group.Count), group.Layer, group.Class))
	}
	return []Finding{finding}
}

// findObjectives says which goals are missed.
func findObjectives(f *Facts) (list []Finding) {
	if f.NATS == nil {
		return nil
	}
	for i := range f.NATS.Objectives {
		o := &f.NATS.Objectives[i]
		firing := o.FiringAlerts()
		if len(firing) == 0 && o.BudgetRemaining > 0 {
			continue
		}
		what := fmt.Sprintf("objective %s burns its error budget %.1f times too fast", o.Objective, o.RecentBurnRate)
		if o.BudgetRemaining <= 0 {
			what = "objective " + o.Objective + " has spent its error budget"
		}
		evidence := fmt.Sprintf("%s of %s good in %s, target %.2f %%, %.0f %% of the budget left", number(o.Good), number(o.Total), age(o.Window), 100*o.Target, 100*o.BudgetRemaining)
		if len(firing) > 0 {
			evidence += "; firing: " + strings.Join(firing, ", ")
		}
		list = append(list, Finding{
			ID: "objective", Severity: SeverityWarning, What: what, Evidence: []string{evidence, recent(o)},
			Commands: []Command{look(f.hal9("slo ls"), "all objectives"), look(f.hal9("trends"), "since when")},
		})
	}
	return list
}

func recent(o *strategic.Report) string {
	return fmt.Sprintf("lately %s of %s good", number(o.RecentGood), number(o.RecentTotal))
}

// errorsSince is how far back errors are the trouble of now.
const errorsSince = 15 * time.Minute

// trouble is a message of one or several processes.
type trouble struct {
	journal.Entry

	who []string
}

// findErrors says what processes complained of lately.
func findErrors(f *Facts) []Finding {
	bad, mild := f.complaints("ERROR"), f.complaints("WARN")
	var list []Finding
	if len(bad) > 0 {
		list = append(list, complaint(f, bad, SeverityWarning, "errors"))
	}
	if len(mild) > 0 {
		list = append(list, complaint(f, mild, SeverityNote, "warnings"))
	}
	return list
}

// complaints returns the recent messages of a level, the most frequent first.
func (f *Facts) complaints(level string) []trouble {
	byMessage := map[string]*trouble{}
	for i := range f.Processes {
		p := &f.Processes[i]
		for _, entry := range p.Errors {
			entry.Last = entry.Last.Add(-p.Skew) // by this machine's clock
			if entry.Level != level || f.At.Sub(entry.Last) > errorsSince {
				continue
			}
			t := byMessage[entry.Message]
			if t == nil {
				t = &trouble{Entry: entry}
				t.Count = 0
				byMessage[entry.Message] = t
			}
			if entry.Last.After(t.Last) {
				t.Last, t.Detail = entry.Last, entry.Detail
			}
			t.Count += entry.Count
			t.who = append(t.who, p.title())
		}
	}
	var list []trouble
	for _, t := range byMessage {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Message, b.Message))
	})
	return list
}

func complaint(f *Facts, list []trouble, severity Severity, noun string) Finding {
	var sum uint64
	for _, t := range list {
		sum += t.Count
	}
	finding := Finding{
		ID: noun, Severity: severity, What: fmt.Sprintf("%s logged, the last %s ago", plural(sum, strings.TrimSuffix(noun, "s")), age(f.At.Sub(newest(list)))),
		Commands: []Command{look(f.kubectl("logs --selector app.kubernetes.io/name=hal9 --since 15m --prefix"), "all of it")},
	}
	for _, t := range list[:min(len(list), shownOf)] {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("%s × %s (%s): %s", number(t.Count), t.Message, few(t.who, 1), redact(t.Detail)))
	}
	return finding
}

func newest(list []trouble) (last time.Time) {
	for _, t := range list {
		if t.Last.After(last) {
			last = t.Last
		}
	}
	return last
}
