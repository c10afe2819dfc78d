package operational

import (
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// loose is a flagged signal that belonged to nothing when it came, with what a situation needs of it where it is found to be a member.
type loose struct {
	id, source, key, node string
	received              time.Time
	severity              layers.Severity
	anomaly               float64
	taken                 bool // by a situation since
	mild                  bool // as a member it keeps no situation open
}

func looseOf(m member) loose {
	return loose{
		id: strings.Clone(m.e.ID), source: strings.Clone(m.source), key: strings.Clone(m.key), node: strings.Clone(m.node),
		received: m.e.ReceivedAt, severity: m.severity, anomaly: m.anomaly(), mild: m.mild,
	}
}

// member makes the signal a member.
func (m *mild) member() member {
	return member{
		e: &layers.Envelope{
			Signal: layers.Signal{ID: m.id, Source: m.source}, ReceivedAt: m.received, Findings: layers.Findings{Anomaly: m.anomaly},
		},
		at: m.at, source: m.source, key: m.key, severity: m.severity, tokens: m.tokens, node: m.node, mild: m.mild,
	}
}

// gather adds what is related to a new member, or to what is added so, and lies no further before it in event time than Lateness: in another
// order of arrival it would have found the situation open.
func (c *correlator) gather(s *openSituation, m member) {
	for around := []member{m}; len(around) > 0; around = around[1:] {
		from := around[0].at.Add(-c.cfg.Lateness)
		for i := range c.milds {
			other := &c.milds[i]
			if other.taken || other.at.Before(from) || !c.mayKnow(s, other) {
				continue
			}
			if own := other.member(); c.find(own) == s {
				other.taken = true
				c.add(s, own)
				around = append(around, own)
			}
		}
	}
}

// mayKnow reports whether the situation has anything in common with a signal: find costs more.
func (c *correlator) mayKnow(s *openSituation, m *mild) bool {
	for _, t := range m.tokens {
		if t.kind == tokenSource {
			t.kind = tokenBare
		}
		if s.known[t] {
			return true
		}
	}
	isBare := slices.ContainsFunc(m.tokens, func(t token) bool { return t.kind == tokenBare })
	return isBare && s.known[token{tokenSource, m.source}] ||
		slices.ContainsFunc(c.graph.near(m.node), func(name string) bool { return s.known[token{tokenNode, name}] })
}
