package operational

import (
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// rejudged is a sample that is flagged, or is stranger than it seemed, now that its neighbours are known.
type rejudged struct {
	recent
	now judgement
}

// envelope is that of the sample, whose series is that of e.
func (r *rejudged) envelope(e *layers.Envelope) *layers.Envelope {
	own := *e
	own.ID, own.Time, own.Value, own.Severity, own.Text = r.id, r.at, r.value, r.severity, ""
	own.Findings.Situation, own.Findings.Evidence, own.Findings.Classes = nil, nil, nil
	own.Findings.Anomaly, own.Findings.Flagged, own.Findings.FlagReason = r.now.anomaly, true, plain(r.now.reason, reasonMax)
	if r.now.proof != nil {
		own.Findings.Proof().Baseline = r.now.proof
	}
	return &own
}

// handAgain hands on what e's time let be judged again. Such a sample has its verdict already; it becomes a member of the situation that it
// would have joined, and where it opens or worsens one e climbs in its place.
func (l *Layer) handAgain(e *layers.Envelope, d layers.Decision) layers.Decision {
	for _, r := range l.again {
		other := r.envelope(e)
		more := l.correlator.decideAgain(other, r.at)
		d.Events = append(d.Events, more.Events...)
		if more.Disposition == layers.DispositionEscalated && d.Disposition != layers.DispositionEscalated {
			d.Disposition, d.Reason = more.Disposition, plain("signal "+r.id+", judged again now that its neighbours are known, "+more.Reason, reasonMax)
			e.Findings.Situation = other.Findings.Situation
		}
	}
	return d
}

// decideAgain decides on a signal that may be a member of a situation already, or be remembered as a mild one.
func (c *correlator) decideAgain(e *layers.Envelope, at time.Time) layers.Decision {
	m := c.newMember(e, at)
	for _, s := range c.related[token{tokenKey, m.key}] {
		if slices.Contains(s.public.MemberIDs, e.ID) {
			return c.raise(s, m)
		}
	}
	c.milds = slices.DeleteFunc(c.milds, func(other mild) bool { return other.id == e.ID && other.source == m.source })
	return c.decide(e, at)
}

// raise takes note that a member is worse than it seemed.
func (c *correlator) raise(s *openSituation, m member) layers.Decision {
	before := s.public.Severity
	s.raise(m)
	if s.public.Severity > before {
		return c.worsen(s, m, before)
	}
	return layers.Decision{Disposition: layers.DispositionFolded}
}
