package ingest

import (
	"maps"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// rule is a SourceRule of its own: the caller may change his afterwards.
type rule struct {
	match, kind, key string
	severity         layers.Severity
	labels           map[string]string
}

func newRule(r *SourceRule) rule {
	return rule{match: r.Match, kind: r.Type, key: r.Key, severity: r.Severity, labels: maps.Clone(r.Labels)}
}

// applyRule adds what the first rule for the source says and the signal does not.
func (d *Decoder) applyRule(s *draft) {
	for i := range d.rules {
		r := &d.rules[i]
		if !globMatch(r.match, s.Source) {
			continue
		}
		if s.Type == "" {
			s.Type = r.kind
		}
		if s.Severity == layers.SeverityUnset {
			s.Severity = r.severity
		}
		if s.Key == "" && r.key != "" {
			s.Key = r.keyOf(s)
		}
		for name, value := range r.labels {
			if _, has := s.Labels[name]; !has {
				s.setLabel(name, value)
			}
		}
		return
	}
}

// keyOf looks up the rule's path in the data, then in the labels. A value that is no text
// or number, or is too long for a key, counts as absent.
func (r *rule) keyOf(s *draft) string {
	if m, ok := lookup(s.Data, r.key); ok {
		if key := m.shortText(); key != "" {
			return key
		}
	}
	key := s.Labels[strings.TrimPrefix(r.key, "labels.")]
	if checkName("", key, maxKeyBytes) != nil {
		return ""
	}
	return key
}

// lookup finds the value at a dotted path. Member names may have dots themselves
// ("service.name"): a member fits where its whole name starts the path.
func lookup(data []byte, path string) (member, bool) {
	if len(data) == 0 || data[0] != '{' {
		return member{}, false
	}
	var room [roomMembers]member
	members, err := scanObject(data, room[:0])
	if err != nil {
		return member{}, false
	}
	for _, m := range members {
		if string(m.name) == path {
			return m, true
		}
		if m.kind != kindObject || len(m.name) == 0 {
			continue
		}
		rest, ok := strings.CutPrefix(path, string(m.name))
		if !ok || rest[0] != '.' {
			continue
		}
		if found, ok := lookup(m.raw, rest[1:]); ok {
			return found, true
		}
	}
	return member{}, false
}

// globMatch reports whether pattern fits the whole text: * stands for any text, ? for one
// byte-encoded character. It needs no recursion: only the last * can need another try.
func globMatch(pattern, text string) bool {
	p, t := 0, 0
	star, resume := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			t += runeBytes(text[t:])
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
