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
	anomaly  float64   // the worst
	node     string    // the service that it is, or itself
}

// entitySeen is what one signal says of an entity.
type entitySeen struct {
	name, node string
	at         time.Time
	severity   layers.Severity
	anomaly    float64
}

func (s *openSituation) addEntity(n entitySeen) {
	for i := range s.entities {
		if own := &s.entities[i]; own.name == n.name {
			own.count++
			own.severity = max(own.severity, n.severity)
			own.anomaly = max(own.anomaly, n.anomaly)
			if n.at.Before(own.first) {
				own.first = n.at
			}
			return
		}
	}
	if len(s.entities) < situationEntitiesMax {
		s.entities = append(s.entities, entity{strings.Clone(n.name), 1, n.severity, n.at, n.anomaly, strings.Clone(n.node)})
	}
}

// blame weighs an entity: what is worse and stranger counts more, what speaks more often counts a little more, since the loudest is
// seldom the cause, and what began earlier counts more, since effects follow causes.
func (n entity) blame(opened time.Time) float64 {
	severity := math.Pow(1.25, float64(n.severity)-float64(layers.SeverityWarning))
	delay := max(n.first.Sub(opened), 0).Seconds() / blameDelay
	return severity * (0.5 + n.anomaly) * (1 + math.Log2(n.count)/16) / (1 + delay)
}

const (
	blamePassed = 0.8             // the share of its blame that an entity passes to those that it depends on
	blameDelay  = 15.0            // seconds after which an entity has half of the blame of one that was there at once
	blameLater  = 5 * time.Minute // which began no later than so long after it
	blameRounds = 8
)

// blames returns the share of each entity: what depends on others in trouble passes its blame on to them.
func (s *openSituation) blames() []float64 {
	among := map[string]bool{}
	for _, n := range s.entities {
		among[n.node] = true
	}
	causes := make([][]int, len(s.entities))
	flow, kept := make([]float64, len(s.entities)), make([]float64, len(s.entities))
	for i, n := range s.entities {
		flow[i] = n.blame(s.public.OpenedAt)
		if s.graph == nil {
			continue
		}
		for _, name := range s.graph.causes(n.node, among) {
			for j, other := range s.entities {
				if other.node == name && j != i && !other.first.After(n.first.Add(blameLater)) {
					causes[i] = append(causes[i], j)
				}
			}
		}
	}
	for range blameRounds {
		next := make([]float64, len(flow))
		for i, x := range flow {
			if len(causes[i]) == 0 {
				kept[i] += x
				continue
			}
			kept[i] += x * (1 - blamePassed)
			for _, j := range causes[i] {
				next[j] += x * blamePassed / float64(len(causes[i]))
			}
		}
		flow = next
	}
	return kept
}

// ranked returns the entities, most likely cause first, with their shares of the blame.
func (s *openSituation) ranked() []layers.Entity {
	blames := s.blames()
	order := make([]int, len(s.entities))
	total := 0.0
	for i := range order {
		order[i] = i
		total += blames[i]
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(blames[b], blames[a]), s.entities[a].first.Compare(s.entities[b].first), cmp.Compare(s.entities[a].name, s.entities[b].name))
	})
	shown := make([]layers.Entity, len(order))
	for i, at := range order {
		shown[i] = layers.Entity{Name: s.entities[at].name, Score: blames[at] / total}
	}
	return shown
}
