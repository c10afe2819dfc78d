package layertest

import (
	"bytes"
	"maps"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// Clone returns a deep copy of e.
func Clone(e *layers.Envelope) *layers.Envelope {
	c := *e
	c.Labels = maps.Clone(e.Labels)
	c.Data = bytes.Clone(e.Data)
	c.Hops = slices.Clone(e.Hops)
	c.Findings.Parameters = slices.Clone(e.Findings.Parameters)
	c.Findings.Classes = slices.Clone(e.Findings.Classes)
	c.Findings.Mentions = slices.Clone(e.Findings.Mentions)
	c.Findings.Features = maps.Clone(e.Findings.Features)
	c.Findings.Situation = cloneSituation(e.Findings.Situation)
	if evidence := e.Findings.Evidence; evidence != nil {
		own := *evidence
		c.Findings.Evidence = &own
	}
	return &c
}

// CloneAll returns deep copies of all envelopes.
func CloneAll(envelopes []*layers.Envelope) []*layers.Envelope {
	copies := make([]*layers.Envelope, len(envelopes))
	for i, e := range envelopes {
		copies[i] = Clone(e)
	}
	return copies
}

func cloneSituation(s *layers.Situation) *layers.Situation {
	if s == nil {
		return nil
	}
	c := *s
	c.MemberIDs = slices.Clone(s.MemberIDs)
	c.Entities = slices.Clone(s.Entities)
	c.Recalled = slices.Clone(s.Recalled)
	return &c
}
