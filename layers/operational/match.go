package operational

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TypePattern is the type of the signals by which HAL9 says that a pattern of the configuration was met.
const TypePattern = "hal9.pattern"

// anomalyPattern is the anomaly of what people called trouble: that of a message never seen before which is an error.
const anomalyPattern = surpriseError / (surpriseError + surpriseHalf)

// matchData is what a signal of TypePattern says for programs.
type matchData struct {
	Pattern string        `json:"pattern"`
	Group   string        `json:"group"` // the values of the pattern's fields
	Title   string        `json:"title"`
	Members []matchMember `json:"members"`
}

type matchMember struct {
	ID       string          `json:"id"`
	Entity   string          `json:"entity"`
	At       int64           `json:"at_us"` // event time, Unix microseconds
	Severity layers.Severity `json:"severity,omitempty"`
}

// matched tells a match.
func (o *notices) matched(p *watched, group string, match []hit) {
	d := matchData{Pattern: p.Name, Group: plain(strings.ReplaceAll(group, "\x00", ", "), nameMax)}
	ids := []string{p.Name, group}
	for _, h := range match {
		d.Members = append(d.Members, matchMember{plain(h.id, 2*nameMax), h.entity, h.at.UnixMicro(), h.severity})
		ids = append(ids, h.source, h.id)
	}
	d.Title = p.Name
	if p.Title != "" {
		d.Title = p.Title
	}
	if d.Group != "" {
		d.Title += " (" + d.Group + ")"
	}
	last := match[len(match)-1]
	data, err := json.Marshal(d)
	if err != nil { // there is nothing in it that JSON does not know
		return
	}
	severity := p.Severity
	if severity == layers.SeverityUnset {
		severity = layers.SeverityError
	}
	o.events = append(o.events, layers.Event{Signal: &layers.Signal{
		ID: "pattern-" + noticeID(ids...)[len("absence-"):], Source: OwnSource, Type: TypePattern, Key: match[0].entity, Time: last.at,
		Severity: severity, Text: plain(d.Title+": "+p.said(match), reasonMax), Data: data,
	}})
}

// said says in people's words what was met.
func (p *watched) said(match []hit) string {
	within := " within " + span(match[len(match)-1].at.Sub(match[0].at))
	switch {
	case p.Distinct != "":
		var values []string
		for _, h := range match {
			if !slices.Contains(values, h.value) {
				values = append(values, h.value)
			}
		}
		return counted(float64(len(values)), "different "+p.Distinct) + within + ": " + strings.Join(values[:min(len(values), noticeNames)], ", ")
	case len(p.Any) > 0:
		return counted(float64(p.Count), "condition") + " of " + number(float64(len(p.Any))) + " were met" + within
	case p.Missing != "":
		return "nothing that was to follow came within " + span(p.Within)
	default:
		return counted(float64(len(match)), "step") + " one after the other" + within
	}
}

// match opens a situation with what met a pattern, or adds it to the open one of the same pattern and group.
func (c *correlator) match(e *layers.Envelope, at time.Time, d matchData) layers.Decision {
	m := c.newMember(e, at)
	own := token{tokenPattern, short(d.Pattern + "\x00" + d.Group)}
	m.tokens = append(m.tokens, own)
	events := c.pass(m.source, at)
	var open *openSituation
	for _, s := range c.related[own] {
		if c.reaches(s, m) {
			open = s
		}
	}
	var decision layers.Decision
	if open != nil {
		c.addMatched(open, d)
		decision = c.join(open, m)
	} else {
		decision = c.begin(m, func(s *openSituation) {
			s.public.Title = plain(d.Title, titleMax)
			c.addMatched(s, d)
		})
		decision.Rule = d.Pattern
	}
	decision.Events = append(events, decision.Events...)
	return decision
}

// addMatched adds the signals of a match, which have their verdicts already.
func (c *correlator) addMatched(s *openSituation, d matchData) {
	for _, member := range d.Members {
		at := time.UnixMicro(member.At).UTC()
		s.public.Members++
		if len(s.public.MemberIDs) < layers.SituationMaxMemberIDs && c.ids < situationIDsMax && member.ID != "" {
			s.public.MemberIDs = append(s.public.MemberIDs, member.ID)
			c.ids++
		}
		if year := at.Year(); year >= 2 && year < 9999 && at.Before(s.public.OpenedAt) {
			s.public.OpenedAt = at
		}
		entity := member.Entity
		if entity = plain(entity, nameMax); entity == "" {
			continue
		}
		s.addEntity(entitySeen{name: entity, node: entity, at: at, severity: max(member.Severity, layers.SeverityWarning), anomaly: anomalyPattern})
	}
}

// readMatch reads a signal of TypePattern.
func readMatch(e *layers.Envelope) (d matchData, ok bool) {
	if e.Source != OwnSource || e.Type != TypePattern {
		return d, false
	}
	if json.Unmarshal(e.Data, &d) != nil || d.Pattern == "" || len(d.Members) == 0 || len(d.Members) > hitsMax {
		return matchData{}, false
	}
	return d, true
}
