package operational

import (
	"slices"
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

// never is later than every event time.
func never() time.Time { return time.Unix(1<<40, 0) }

// count takes note that one more situation has members of the source.
func (c *correlator) count(source string) {
	clock, ok := c.sources[source]
	if !ok {
		clock = &sourceClock{due: never()}
		c.sources[source] = clock
	}
	clock.situations++
}

// watch sees to it that a situation is looked at when the source, whose last member of it is
// as old as given, has passed it.
func (c *correlator) watch(source string, last time.Time) {
	due := last.Add(c.patience())
	if clock, ok := c.sources[source]; ok && due.Before(clock.due) {
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
	clock.due = never()
	var done []*openSituation
	for _, s := range c.open {
		if waits, mine := s.pass(source, at, c.patience()); mine && !waits {
			done = append(done, s)
		} else if last, unpassed := s.waitsFor(source); unpassed {
			c.watch(source, last.Add(s.hold()))
		}
	}
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
		if now.Sub(s.receivedAt) > c.patience()+s.hold() {
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

// comeBack takes note that what was silent came again. The situation that waited for it alone is closed then.
func (c *correlator) comeBack(e *layers.Envelope, n noticeData) layers.Decision {
	i := slices.IndexFunc(c.open, func(s *openSituation) bool { return slices.Contains(s.silent, n.Absence) })
	if i < 0 {
		return layers.Decision{Disposition: layers.DispositionResolved, Reason: plain(reasonOf(e)+"; no situation is open that waits for it", reasonMax)}
	}
	s := c.open[i]
	s.silent = slices.DeleteFunc(s.silent, func(id string) bool { return id == n.Absence })
	e.Findings.Situation = s.outline()
	d := layers.Decision{Disposition: layers.DispositionFolded, Reason: plain(reasonOf(e)+"; situation "+s.public.ID+" waited for it", reasonMax)}
	if e.Time.After(s.public.UpdatedAt) && len(s.silent) == 0 && s.notices == s.public.Members {
		d.Events = append(d.Events, c.close(s, e.Time))
		return d
	}
	for _, source := range s.sources {
		c.watch(source.name, source.last)
	}
	return d
}
