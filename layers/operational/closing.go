package operational

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// patience is how far a source's event time must be past its last member before the situation
// waits no longer for that source: no signal that is in time can join any more.
func (c *correlator) patience() time.Duration { return c.cfg.SituationGap + c.cfg.Lateness }

// sourceClock says when the situations of a source must be looked at.
type sourceClock struct {
	due        time.Time // no earlier event time of the source closes one
	situations int       // open, with members of the source
}

// watch sees to it that pass looks at a situation that has got its first member of a source.
func (c *correlator) watch(own sourceSpan) {
	due := own.last.Add(c.patience())
	clock, ok := c.sources[own.name]
	if !ok {
		clock = &sourceClock{due: due}
		c.sources[own.name] = clock
	}
	clock.situations++
	if due.Before(clock.due) {
		clock.due = due
	}
}

// pass takes note that the source has come to this event time, and closes the situations all
// of whose sources have passed. Each source is compared with its own members only: one may
// replay the past while another is live.
func (c *correlator) pass(source string, at time.Time) []layers.Event {
	clock, ok := c.sources[source]
	if !ok || !at.After(clock.due) {
		return nil
	}
	clock.due = at // what opens later than this is due later, what is older says so by watch
	var done []*openSituation
	for _, s := range c.open {
		waits, mine := s.pass(source, at, c.patience())
		if !mine {
			continue
		}
		if !waits {
			done = append(done, s)
		}
	}
	clock.due = c.nextDue(source, at)
	var events []layers.Event
	for _, s := range done {
		events = append(events, c.close(s, s.public.UpdatedAt.Add(c.cfg.SituationGap)))
	}
	return events
}

// tick closes the situations that nothing joined for so long that nothing will.
func (c *correlator) tick(now time.Time) []layers.Event {
	var done []*openSituation
	for _, s := range c.open {
		if now.Sub(s.receivedAt) > c.patience() {
			done = append(done, s)
		}
	}
	var events []layers.Event
	for _, s := range done {
		events = append(events, c.close(s, s.public.UpdatedAt.Add(c.cfg.SituationGap)))
	}
	return events
}

// close ends a situation: at the event time from which on nothing could join it, or, where it
// made room for another, at that of its last member.
func (c *correlator) close(s *openSituation, at time.Time) layers.Event {
	c.remove(s)
	s.public.ClosedAt = at
	return layers.Event{Situation: s.announce(layers.SituationClosed)}
}
