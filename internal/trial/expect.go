package trial

import (
	"fmt"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

func (j *judge) verdictsAre(expected []Verdict) {
	for i := range expected {
		x := &expected[i]
		var items []item
		for k := range j.verdicts {
			v := &j.verdicts[k]
			if glob(x.ID, v.SignalID) && glob(x.Source, v.Source) && glob(x.Key, v.Key) {
				items = append(items, item{about: aboutVerdict(v), reason: v.Reason, misses: j.verdict(x, v)})
			}
		}
		selected := selection("id", x.ID, "source", x.Source, "key", x.Key)
		j.are(fmt.Sprintf("expect.verdicts[%d]", i), nounVerdict, selected, x.count, items)
	}
}

// verdict returns what is not as expected of a verdict.
func (j *judge) verdict(x *Verdict, v *layers.Verdict) []miss {
	var c compare
	c.is("layer", name(x.Layer), v.Layer.String())
	c.is("disposition", disposition(x.Disposition), v.Disposition.String())
	c.is("rule", x.Rule, v.Rule)
	c.holds("reason", x.Reason, v.Reason)
	c.holds("template", x.Template, v.Template)
	labels := make([]string, len(v.Classes))
	for i, class := range v.Classes {
		labels[i] = class.Label
	}
	c.among("classes", x.Classes, labels, func(want, got string) bool { return want == got })
	if x.anomaly.given {
		c.amount("anomaly", x.anomaly, v.Anomaly)
	}
	c.yesOrNo("situation", x.Situation, v.SituationID != "")
	c.yesOrNo("plan", x.Plan, v.PlanID != "")
	if text, ok := x.Situation.(string); ok {
		if s := j.situation(v); s == nil {
			c.miss("situation", "one that says "+text, "none")
		} else if !holds(s.Title, text) && !holds(s.Key, text) {
			c.miss("situation", "one that says "+text, aboutSituation(s))
		}
	}
	return c.misses
}

func aboutVerdict(v *layers.Verdict) string {
	text := fmt.Sprintf("%s: %s at %s", v.SignalID, v.Disposition, v.Layer)
	if v.Rule != "" {
		text += " by " + v.Rule
	}
	return text
}

func name(layer layers.Name) string {
	if layer == 0 {
		return ""
	}
	return layer.String()
}

func disposition(d layers.Disposition) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (j *judge) situationsAre(expected []Situation) {
	for i := range expected {
		x := &expected[i]
		var items []item
		for k := range j.situations {
			s := &j.situations[k]
			if glob(x.Key, s.Key) && holds(s.Title, x.Title) {
				items = append(items, item{about: aboutSituation(s), misses: j.of(x, s)})
			}
		}
		selected := selection("key", x.Key, "title", x.Title)
		j.are(fmt.Sprintf("expect.situations[%d]", i), nounSituation, selected, x.count, items)
	}
}

// of returns what is not as expected of a situation.
func (j *judge) of(x *Situation, s *layers.Situation) []miss {
	var c compare
	c.is("severity", x.Severity.String(), s.Severity.String())
	entities := make([]string, len(s.Entities))
	for i, entity := range s.Entities {
		entities[i] = entity.Name
	}
	c.among("entities", x.Entities, entities, glob)
	first := ""
	if len(entities) > 0 {
		first = entities[0]
	}
	if x.Cause != "" && !glob(x.Cause, first) {
		c.miss("cause", x.Cause, quoteEmpty(strings.Join(shortList(entities), ", ")))
	}
	if x.members.given {
		c.amount("members", x.members, float64(s.Members))
	}
	c.among("ids", x.IDs, s.MemberIDs, glob)
	c.events(x.Events, j.events[s.ID])
	c.yesOrNo("open", x.Open, s.Event != layers.SituationClosed)
	return c.misses
}

// events misses the first of want that does not come, in this order.
func (c *compare) events(want, got []layers.SituationEvent) {
	rest := got
	for i, event := range want {
		at := slices.Index(rest, event)
		if at < 0 {
			words := make([]string, len(got))
			for k := range got {
				words[k] = string(got[k])
			}
			c.miss(fmt.Sprintf("events[%d]", i), string(event), "["+strings.Join(shortList(words), ", ")+"]")
			return
		}
		rest = rest[at+1:]
	}
}

func (j *judge) plansAre(expected []Plan) {
	for i := range expected {
		x := &expected[i]
		var items []item
		for k := range j.plans {
			p := &j.plans[k]
			if glob(x.Playbook, p.Playbook) && glob(x.Key, p.Key) {
				items = append(items, item{about: aboutPlan(p), misses: plan(x, p)})
			}
		}
		selected := selection("playbook", x.Playbook, "key", x.Key)
		j.are(fmt.Sprintf("expect.plans[%d]", i), nounPlan, selected, x.count, items)
	}
}

// plan returns what is not as expected of a plan.
func plan(x *Plan, p *layers.Plan) []miss {
	var c compare
	c.holds("title", x.Title, p.Title)
	c.is("severity", x.Severity.String(), p.Severity.String())
	contains := func(want, got string) bool { return holds(got, want) }
	c.among("steps", x.Steps, p.Steps, contains)
	var actions []string
	for _, a := range p.Actions {
		actions = append(actions, strings.TrimSpace(strings.Join([]string{a.Webhook, a.Publish, a.Note}, " ")))
	}
	c.among("actions", x.Actions, actions, contains)
	c.among("reasons", x.Reasons, p.Reasons, contains)
	return c.misses
}

// selection says in words what selects, from names and values.
func selection(pairs ...string) string {
	var text strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&text, " with %s %s", pairs[i], pairs[i+1])
		}
	}
	return text.String()
}
