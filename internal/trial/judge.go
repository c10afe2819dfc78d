package trial

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// judge compares what came with what was expected.
type judge struct {
	*history

	outcome *Outcome
	line    func(path string) int
}

// miss is a field that is not as expected.
type miss struct{ field, want, got string }

// item is what an expectation is compared with.
type item struct {
	about  string // which one it is, for people
	reason string
	misses []miss
}

// maxShown bounds how many failures one expectation shows.
const maxShown = 3

// are compares the items that an expectation selects with it. noun and selected say what was looked for.
func (j *judge) are(path, noun, selected string, count amount, items []item) {
	if count.given {
		j.count(path, noun, selected, count, items)
		return
	}
	if len(items) == 0 {
		j.fail(path, "", miss{"", noun + selected, "none: " + j.whatCame(noun)}, "")
		return
	}
	shown := 0
	for _, item := range items {
		for _, m := range item.misses {
			j.fail(path, item.about, m, item.reason)
		}
		if shown += min(1, len(item.misses)); shown == maxShown {
			return
		}
	}
}

// count compares how many items there are that miss nothing.
func (j *judge) count(path, noun, selected string, count amount, items []item) {
	n, near := 0, ""
	for i := range items {
		switch misses := items[i].misses; {
		case len(misses) == 0:
			n++
		case near == "":
			near = fmt.Sprintf("; not counted: %s, whose %s is %s", items[i].about, misses[0].field, misses[0].got)
		}
	}
	if count.holds(float64(n)) {
		return
	}
	if near == "" && len(items) == 0 {
		near = ": " + j.whatCame(noun)
	}
	if near == "" {
		near = ": " + items[0].about
	}
	j.fail(path, noun+selected, miss{"count", count.String(), strconv.Itoa(n) + near}, "")
}

func (j *judge) fail(path, about string, m miss, reason string) {
	if m.field != "" {
		path += "." + m.field
	}
	j.outcome.Failures = append(j.outcome.Failures, Failure{
		Line: j.line(path), Path: path, About: about, Want: m.want, Got: m.got, Reason: reason,
	})
}

// whatCame says in short what there is.
func (j *judge) whatCame(noun string) string {
	var names []string
	switch noun {
	case nounVerdict:
		for i := range j.verdicts {
			names = append(names, j.verdicts[i].SignalID)
		}
	case nounSituation:
		for i := range j.situations {
			names = append(names, aboutSituation(&j.situations[i]))
		}
	default:
		for i := range j.plans {
			names = append(names, aboutPlan(&j.plans[i]))
		}
	}
	if len(names) == 0 {
		return "there is no " + noun + " at all"
	}
	const most = 5
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return "there are " + text
}

const (
	nounVerdict   = "verdict"
	nounSituation = "situation"
	nounPlan      = "plan"
)

func aboutSituation(s *layers.Situation) string { return fmt.Sprintf("%q on %s", s.Title, s.Key) }

func aboutPlan(p *layers.Plan) string { return fmt.Sprintf("%q on %s", p.Title, p.Key) }

// compare collects what is not as expected.
type compare struct{ misses []miss }

func (c *compare) miss(field, want, got string) {
	c.misses = append(c.misses, miss{field, want, got})
}

func (c *compare) is(field, want, got string) {
	if want != "" && want != got {
		c.miss(field, quoteEmpty(want), quoteEmpty(got))
	}
}

func (c *compare) holds(field, want, got string) {
	if want != "" && !holds(got, want) {
		c.miss(field, "text that holds "+strconv.Quote(want), strconv.Quote(got))
	}
}

func (c *compare) yesOrNo(field string, want any, got bool) {
	if yes, ok := want.(bool); ok && yes != got {
		c.miss(field, strconv.FormatBool(yes), strconv.FormatBool(got))
	}
}

func (c *compare) amount(field string, want amount, got float64) {
	if !want.holds(got) {
		c.miss(field, want.String(), strconv.FormatFloat(got, 'g', -1, 64))
	}
}

// among misses each of want that no part of got fits.
func (c *compare) among(field string, want, got []string, fits func(want, got string) bool) {
	for i, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return fits(w, g) }) {
			c.miss(fmt.Sprintf("%s[%d]", field, i), strconv.Quote(w), "["+strings.Join(shortList(got), ", ")+"]")
		}
	}
}

func shortList(list []string) []string {
	const most = 10
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most]), fmt.Sprintf("%d more", len(list)-most))
}

func quoteEmpty(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
