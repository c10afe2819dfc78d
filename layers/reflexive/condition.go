package reflexive

import (
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// condition is what an alert last said, and what of it was let through. Samples, log lines and events have none:
// their count or their value is the message. All processes of L1 share the conditions; times are those at which
// signals were received, in Unix microseconds, but for Began, When and Changes, which are event time.
type condition struct {
	Source   string          `json:"source"`
	Key      string          `json:"key"`
	Name     string          `json:"name"`
	Firing   bool            `json:"firing"`
	Severity layers.Severity `json:"severity,omitempty"`
	First    int64           `json:"first"` // since when it fires, or is over
	Last     int64           `json:"last"`
	Began    int64           `json:"began,omitempty"` // when it began to fire the last time; 0 where it never did
	When     int64           `json:"when,omitempty"`  // the latest that was said of it
	Seen     uint64          `json:"seen"`            // in this state, by the process that wrote it last
	Shown    shown           `json:"shown,omitzero"`
	Groups   []string        `json:"groups,omitempty"`  // of which inhibitions it is the source
	Changes  []int64         `json:"changes,omitempty"` // of its state, the latest maxChanges
	Flap     flap            `json:"flap,omitzero"`

	opener uint64 // origin of the signal that began this state; 0 where another process saw it
	told   int64  // Last when the other processes were told
}

// shown is what of a condition climbed last: what says no more than that is a repetition.
type shown struct {
	Origin   uint64          `json:"origin"` // of the signal; 0 where nothing climbed yet
	Severity layers.Severity `json:"severity,omitempty"`
	Text     string          `json:"text"` // digest of its wording
}

// report is one alert as it comes in.
type report struct {
	e       *layers.Envelope
	key     digest
	at      int64 // when it was received
	when    int64 // event time
	text    digest
	groups  []digest
	window  int64
	flaps   *Flapping
	expired bool
}

// view is what is to be known of a condition for one alert about it.
type view struct {
	was, is condition
	older   bool // than what is known already: it changes nothing
	late    bool // it is about the start of what is over since
	repeats bool // it says no more than what climbed
	eases   bool // and less than that
}

// fires takes in that an alert fires.
func (c *condition) fires(r *report) (v view) {
	v.was, v.older = *c, c.Seen > 0 && r.at < c.Last && !r.expired
	if v.older && !c.Firing {
		v.is = *c
		return v // It is older than the end of what it is about.
	}
	if c.startsNoLater(r) {
		v.is, v.older, v.late = *c, true, true
		return v
	}
	if !v.older {
		c.burn(r)
	}
	c.Seen++
	v.repeats = c.Shown.Origin != 0 && c.Shown.Origin < r.e.Origin && r.e.Severity <= c.Shown.Severity && c.Shown.Text == r.text.String()
	v.eases = v.repeats && r.e.Severity < c.Shown.Severity
	if v.eases && !v.older {
		c.Shown.Severity = r.e.Severity // What rises again from here is news.
	}
	v.is = *c
	return v
}

// startsNoLater reports whether a condition that is over began when r says that it fires, or after that, and was as bad: then
// r is no news, however late it came.
func (c *condition) startsNoLater(r *report) bool {
	return !c.Firing && c.Began != 0 && !r.expired && r.when <= c.Began && r.e.Severity <= c.Severity
}

// burn makes r the latest that is known of the condition.
func (c *condition) burn(r *report) {
	switch {
	case !c.Firing || r.expired:
		if !c.Firing {
			c.change(r.when, r.flaps)
		}
		c.Began, c.When = r.when, 0
		c.Firing, c.First, c.opener, c.Seen, c.Shown = true, r.at, r.e.Origin, 0, shown{}
	case c.Severity != r.e.Severity:
		c.change(r.when, r.flaps)
	}
	c.Source, c.Key, c.Name = limit(r.e.Source), limit(r.e.Key), limit(nameOf(r.e))
	c.Severity, c.Last, c.When = r.e.Severity, r.at, max(c.When, r.when)
	c.Groups = c.Groups[:0:0]
	for _, g := range r.groups {
		c.Groups = append(c.Groups, g.String())
	}
	c.Flap.look(c.Changes, c.When, r.flaps)
	if c.Flap.Since == 0 && len(recentChanges(c.Changes, c.When, r.flaps)) >= r.flaps.Changes {
		c.Flap = flap{Since: c.When}
	}
}

// ends takes in that it is over.
func (c *condition) ends(r *report) (v view) {
	v.was, v.older = *c, c.Seen > 0 && r.at < c.Last && !r.expired
	if v.older {
		v.is = *c
		return v
	}
	if c.Firing && !r.expired {
		c.change(r.when, r.flaps)
	}
	if r.expired {
		c.Began, c.When = 0, 0
	}
	if c.Firing || r.expired || c.Seen == 0 {
		c.First, c.opener, c.Seen = r.at, r.e.Origin, 0
	}
	c.Source, c.Key, c.Name = limit(r.e.Source), limit(r.e.Key), limit(nameOf(r.e))
	c.Firing, c.Shown, c.Groups, c.Last, c.When = false, shown{}, nil, r.at, max(c.When, r.when)
	c.Seen++
	c.Flap.look(c.Changes, c.When, r.flaps)
	v.is = *c
	return v
}

// change notes that the state changed.
func (c *condition) change(at int64, flaps *Flapping) {
	c.Changes = append(slices.Clone(recentChanges(c.Changes, at, flaps)), at)
	slices.Sort(c.Changes)
	if over := len(c.Changes) - maxChanges; over > 0 {
		c.Changes = c.Changes[over:]
	}
}

// merge takes in what another process knows; changed says that this one knows something that the other did not.
func (c *condition) merge(other *condition, flaps *Flapping) (changed bool) {
	union := append(slices.Clone(c.Changes), other.Changes...)
	slices.Sort(union)
	union = slices.Compact(union)
	if len(union) > 0 { // As change trims: what is too old to count is no news.
		union = slices.Clone(recentChanges(union, union[len(union)-1], flaps))
	}
	union = union[max(0, len(union)-maxChanges):]
	changed = slices.ContainsFunc(union, func(at int64) bool { return !slices.Contains(other.Changes, at) })
	switch {
	case other.Last > c.Last || c.Seen == 0:
		seen, opener := c.Seen, c.opener
		sameState := c.Firing == other.Firing && c.First == other.First
		*c = *other
		if sameState {
			c.Seen, c.opener = max(seen, c.Seen), opener
		}
		c.told = c.Last
	case other.Last < c.Last && (other.Firing != c.Firing || other.Shown != c.Shown):
		changed = true
	}
	c.Changes = union
	return changed
}

// when is the latest event time that is known of it; entries of before it was noted have none.
func (c *condition) when() int64 {
	if c.When == 0 {
		return c.Last
	}
	return c.When
}

// nameOf names an alert for people.
func nameOf(e *layers.Envelope) string {
	if name := e.Labels[labelAlertName]; name != "" {
		return name
	}
	return e.Text
}

// limit bounds what is remembered of a name.
func limit(name string) string { return cut(name, 200) }

func micros(at int64) time.Time { return time.UnixMicro(at).UTC() }
