package operational

import (
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/rawjson"
)

const (
	hitsMax   = 256 // of one group, the newest
	hitsInAll = 100_000
	groupsMax = 10_000 // of all patterns; a quarter of those not met for longest is forgotten when there are more
)

// hit is a signal that meets a condition of a pattern.
type hit struct {
	at, received time.Time
	part         int // which condition
	id           string
	source       string
	value        string // what must be different
	entity       string
	severity     layers.Severity
}

func compareHits(a, b hit) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	if c := strings.Compare(a.id, b.id); c != 0 {
		return c
	}
	return a.part - b.part
}

// group is what came of one pattern for one value of its fields.
type group struct {
	name     string // the values
	hits     []hit  // by event time
	from, to time.Time
	used     uint64
}

// add takes a hit in, and lets go what is too old to matter.
func (g *group) add(h hit, keep time.Duration) {
	at, found := slices.BinarySearchFunc(g.hits, h, compareHits)
	if found {
		return
	}
	g.hits = slices.Insert(g.hits, at, h)
	oldest := g.hits[len(g.hits)-1].at.Add(-keep)
	drop := 0
	for drop < len(g.hits) && (g.hits[drop].at.Before(oldest) || len(g.hits)-drop > hitsMax) {
		drop++
	}
	g.hits = slices.Delete(g.hits, 0, drop)
}

// mute lets no further match begin within a time of the hits of this one.
func (g *group) mute(match []hit, within time.Duration) {
	g.from, g.to = match[0].at.Add(-within), match[len(match)-1].at.Add(within)
	g.hits = nil
}

func (g *group) isMuted(at time.Time) bool {
	return !g.to.IsZero() && !at.Before(g.from) && !at.After(g.to)
}

// different returns the hits of the earliest window that holds so many different values.
func (g *group) different(count int, within time.Duration) []hit {
	seen := map[string]int{}
	first := 0
	for last, h := range g.hits {
		seen[h.value]++
		for h.at.Sub(g.hits[first].at) > within {
			if seen[g.hits[first].value]--; seen[g.hits[first].value] == 0 {
				delete(seen, g.hits[first].value)
			}
			first++
		}
		if len(seen) >= count {
			return slices.Clone(g.hits[first : last+1])
		}
	}
	return nil
}

// chain returns the earliest hits that meet so many conditions one after the other, with none of the condition behind them in between.
func (g *group) chain(parts int, within time.Duration) []hit {
	for i, start := range g.hits {
		if start.part != 0 {
			continue
		}
		match := []hit{start}
		for _, h := range g.hits[i+1:] {
			if h.at.Sub(start.at) > within || h.part == parts && h.at.After(start.at) {
				break
			}
			if h.part == len(match) && h.at.After(match[len(match)-1].at) {
				if match = append(match, h); len(match) == parts {
					return match
				}
			}
		}
	}
	return nil
}

// unfollowed returns the earliest hit of the first condition that none of the second followed in time.
func (g *group) unfollowed(within time.Duration) []hit {
	for i, h := range g.hits {
		if h.part == 0 && !slices.ContainsFunc(g.hits[i+1:], func(f hit) bool { return f.part == 1 && f.at.Sub(h.at) <= within }) {
			return []hit{h}
		}
	}
	return nil
}

// fieldOf returns a field's value; ok is false where there is none.
func fieldOf(e *layers.Envelope, field string) (value string, ok bool) {
	switch field {
	case "source":
		return e.Source, true
	case "type":
		return e.Type, e.Type != ""
	case "key":
		return e.Key, e.Key != ""
	}
	head, rest, _ := strings.Cut(field, ".")
	if head == "labels" {
		value, ok = e.Labels[rest]
		return value, ok
	}
	return dataField(e.Data, rest)
}

// dataField follows a dotted path to a text, number or truth value.
func dataField(data []byte, path string) (value string, ok bool) {
	for path != "" {
		head, rest, _ := strings.Cut(path, ".")
		var whole, next []byte
		if !rawjson.Members(data, func(name, value []byte) bool {
			switch string(name) {
			case path:
				whole = value
			case head:
				next = value
			}
			return true
		}) {
			return "", false
		}
		if data, path = next, rest; whole != nil {
			data = whole
			break
		}
	}
	text, quoted := rawjson.Text(data)
	switch {
	case quoted:
		return string(text), true
	case len(data) == 0 || data[0] == '{' || data[0] == '[' || string(data) == "null":
		return "", false
	default:
		return string(data), true
	}
}
