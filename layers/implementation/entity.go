package implementation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// maxEntity bounds the name of an entity, bytes.
const maxEntity = 128

// keyKinds are the kinds of entities that a signal can be about, the first before the others.
var keyKinds = [...]string{"host", "instance", "service", "pod", "node", "device", "container", "deployment", "job"}

// otherKinds are those that tell where it belongs, or what it measures.
var otherKinds = [...]string{"namespace", "cluster", "metric"}

// kindsOf knows the kinds by the names of fields, in lower case and without what parts words.
func kindsOf() map[string]string {
	kinds := map[string]string{}
	for kind, names := range map[string]string{
		"host":       "host server machine computer vm",
		"instance":   "instance",
		"service":    "service app application microservice component workload",
		"pod":        "pod",
		"node":       "node",
		"device":     "device sensor",
		"container":  "container",
		"deployment": "deployment",
		"job":        "job",
		"namespace":  "namespace",
		"cluster":    "cluster",
		"metric":     "metric measurement",
	} {
		for name := range strings.FieldsSeq(names) {
			kinds[name], kinds[name+"name"], kinds[name+"id"] = kind, kind, kind
		}
	}
	return kinds
}

// kindOf returns the kind of entity that a path of names tells, or "": "host", "kubernetes.pod_name", "service.name",
// "k8s.node.name", "deviceId". byID is true where it is by an id, which goes behind a name.
func (r *entityReader) kindOf(path string) (kind string, byID bool) {
	last, rest := path, ""
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		last, rest = path[dot+1:], path[:dot]
	}
	if rest != "" {
		switch word := r.plain(last); word {
		case "name", "id", "uid":
			byID = word != "name"
			last = rest[strings.LastIndexByte(rest, '.')+1:]
		}
	}
	word := r.plain(last)
	return r.kinds[word], byID || strings.HasSuffix(word, "id")
}

// plain returns a name in lower case without what parts its words.
func (r *entityReader) plain(name string) string {
	r.buffer = r.buffer[:0]
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			r.buffer = append(r.buffer, c+'a'-'A')
		case c != '_' && c != '-' && c != ' ' && c != '/':
			r.buffer = append(r.buffer, c)
		}
	}
	return string(r.buffer)
}

// entityReader finds the entities that signals name. It keeps its buffer.
type entityReader struct {
	kinds  map[string]string
	buffer []byte
}

// mentions returns the entities named in fields and in pairs of the text: one of each kind, the first of its kind in the
// order of the paths, in the order of keyKinds and otherKinds.
func (r *entityReader) mentions(lists ...[]fieldText) []layers.Mention {
	var found [len(keyKinds) + len(otherKinds)]string
	var weak [len(found)]bool // by an id
	for _, list := range lists {
		for _, t := range list {
			kind, byID := r.kindOf(t.path)
			if at := placeOfKind(kind); at >= 0 && (found[at] == "" || weak[at] && !byID) {
				found[at], weak[at] = t.text, byID
			}
		}
	}
	var all []layers.Mention
	for at, name := range found {
		if name != "" {
			all = append(all, layers.Mention{Kind: kindAt(at), Name: name})
		}
	}
	return all
}

// leastPairs is how many pairs make a text one of pairs, where at least half of its words are.
const leastPairs = 3

// pairs returns what a text says as host=web-1, and whether it consists of such pairs, as logfmt does.
func (l *line) pairs() (all []fieldText, mostly bool) {
	for i := range l.tokens {
		word := strings.Trim(l.text[l.tokens[i].raw.start:l.tokens[i].raw.end], `,;()[]{}`)
		name, text, ok := strings.Cut(word, "=")
		if !ok || !isEntity(name) || len(name) > maxName || len(all) == maxFields {
			continue
		}
		if text = strings.Trim(text, `"'`); isEntity(text) {
			all = append(all, fieldText{name, text})
		}
	}
	return all, len(all) >= leastPairs && 2*len(all) >= len(l.tokens)
}

func placeOfKind(kind string) int {
	for i := range len(keyKinds) + len(otherKinds) {
		if kind == kindAt(i) {
			return i
		}
	}
	return -1
}

func kindAt(i int) string {
	if i < len(keyKinds) {
		return keyKinds[i]
	}
	return otherKinds[i-len(keyKinds)]
}

// keyOf returns the entity that a signal with these mentions is about, or "".
func keyOf(mentions []layers.Mention) string {
	if len(mentions) > 0 && placeOfKind(mentions[0].Kind) < len(keyKinds) {
		return mentions[0].Name
	}
	return ""
}

// isEntity reports whether a text can be the name of an entity: one word, or few.
func isEntity(text string) bool {
	return text != "" && len(text) <= maxEntity && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) &&
		strings.Count(text, " ") < 3 && strings.TrimSpace(text) == text
}
