package operational

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// entity is a key that has a share in a situation.
type entity struct {
	name     string
	count    float64
	severity layers.Severity
	first    time.Time // event time of its earliest member
}

func (s *openSituation) addEntity(m member) {
	for i := range s.entities {
		if own := &s.entities[i]; own.name == m.key {
			own.count++
			own.severity = max(own.severity, m.severity)
			if m.at.Before(own.first) {
				own.first = m.at
			}
			return
		}
	}
	if len(s.entities) < situationEntitiesMax {
		s.entities = append(s.entities, entity{strings.Clone(m.key), 1, m.severity, m.at})
	}
}

// blame weighs an entity: what is worse counts more, what speaks more often counts more, and
// what began earlier counts more, since effects follow causes.
func (n entity) blame(opened time.Time) float64 {
	severity := math.Exp2(float64(n.severity) - float64(layers.SeverityWarning))
	delay := max(n.first.Sub(opened), 0).Minutes()
	return severity * (1 + math.Log2(n.count)) / (1 + delay)
}

// ranked returns the entities, most likely cause first, with their shares of the blame.
func (s *openSituation) ranked() []layers.Entity {
	sorted := slices.Clone(s.entities)
	opened := s.public.OpenedAt
	slices.SortFunc(sorted, func(a, b entity) int {
		return cmp.Or(cmp.Compare(b.blame(opened), a.blame(opened)), a.first.Compare(b.first), cmp.Compare(a.name, b.name))
	})
	total := 0.0
	for _, n := range sorted {
		total += n.blame(opened)
	}
	shown := make([]layers.Entity, len(sorted))
	for i := range shown {
		shown[i] = layers.Entity{Name: sorted[i].name, Score: sorted[i].blame(opened) / total}
	}
	return shown
}
