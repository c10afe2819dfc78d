package operational

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// tokenStorm is what the alerts of one sender have in common. It relates those that come too shortly one after the other to do so by
// chance: one cause fires many alerts, and few senders say in labels that they belong together.
const tokenStorm = "storm"

const (
	stormGap    = 5 * time.Minute // of event time, the most between two alerts of a storm
	stormChance = 0.1             // the probability up to which two alerts are no coincidence
	stormLeast  = 6 * time.Hour   // the shortest time over which a sender's pace is judged
	pacesMax    = 1000            // senders whose pace is known
)

// alertPace is in how many minutes alerts of a sender came: the many of a storm count as few, and what comes all the time as much.
type alertPace struct {
	since, last int64 // event time, Unix minutes
	minutes     int
}

// paced notes that a sender's alert fires.
func (c *correlator) paced(m member) {
	at := m.at.Unix() / 60
	p, ok := c.paces[m.source]
	switch {
	case !ok:
		if len(c.paces) >= pacesMax {
			c.dropPace()
		}
		c.paces[strings.Clone(m.source)] = &alertPace{since: at, last: at, minutes: 1}
		return
	case at != p.last:
		p.minutes++
	}
	p.since, p.last = min(p.since, at), max(p.last, at)
}

// dropPace forgets the sender that has been silent for longest.
func (c *correlator) dropPace() {
	oldest := ""
	for _, source := range slices.Sorted(maps.Keys(c.paces)) {
		if oldest == "" || c.paces[source].last < c.paces[oldest].last {
			oldest = source
		}
	}
	delete(c.paces, oldest)
}

// coincide reports whether two alerts of a sender, so far apart, are likely to have come together by chance.
func (c *correlator) coincide(source string, apart time.Duration) bool {
	p, ok := c.paces[source]
	if !ok || apart.Abs() > stormGap {
		return true
	}
	over := max(float64(p.last-p.since), stormLeast.Minutes())
	return float64(p.minutes)*apart.Abs().Minutes()/over > stormChance
}

// storm returns the open situation in whose storm of alerts the signal fires, or nil: the latest one with an alert of the same sender
// shortly before or after. Alerts of different clusters or namespaces do not belong together.
func (c *correlator) storm(m member) (best *openSituation) {
	own := token{tokenStorm, m.source}
	if !slices.Contains(m.tokens, own) {
		return nil
	}
	for _, s := range c.related[own] {
		if c.reaches(s, m) && !c.coincide(m.source, m.at.Sub(s.lastOf(m.source))) && !s.elsewhere(m.tokens) && (best == nil || s.order > best.order) {
			best = s
		}
	}
	return best
}

// lastOf returns the newest event time of a source's members.
func (s *openSituation) lastOf(source string) time.Time {
	for i := range s.sources {
		if s.sources[i].name == source {
			return s.sources[i].last
		}
	}
	return time.Time{}
}

// elsewhere reports whether the situation is in another cluster or namespace than what has these tokens.
func (s *openSituation) elsewhere(tokens []token) bool {
	for _, kind := range [...]string{"=cluster", "=namespace"} {
		of := func(t token) bool { return t.kind == kind }
		if slices.ContainsFunc(tokens, of) && slices.ContainsFunc(s.tokens, of) &&
			!slices.ContainsFunc(tokens, func(t token) bool { return t.kind == kind && s.known[t] }) {
			return true
		}
	}
	return false
}
