package implementation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of what is read of entities.
const (
	maxEntity    = 128   // bytes of a name
	maxSpellings = 4_096 // paths whose kind is remembered
	leastPairs   = 3     // pairs that make a text one of pairs, where at least half of its words are
)

// entityKinds are the kinds of entities: those that a signal can be about, the first before the others, then those that tell where it
// belongs, what it measures and who calls whom.
var entityKinds = [...]string{
	"host", "instance", "service", "pod", "node", "device", "container", "deployment", "job",
	"namespace", "cluster", "metric", "caller", "callee", "span_id", "parent_span_id", "trace_id",
}

// keyKinds is how many of them a signal can be about.
const keyKinds = 9

// kindsOf knows the places of kinds in entityKinds, by the names of fields in lower case and without what parts words.
func kindsOf() map[string]int {
	kinds := map[string]int{}
	place := func(kind string, names ...string) {
		for at, known := range entityKinds {
			if known == kind {
				for _, name := range names {
					kinds[name] = at
				}
			}
		}
	}
	for kind, names := range map[string]string{ // also as hostname and host_id
		"host":       "host server machine computer vm",
		"instance":   "instance serviceinstance cmdb",
		"service":    "service app application microservice component workload",
		"pod":        "pod",
		"node":       "node",
		"device":     "device sensor",
		"container":  "container",
		"deployment": "deployment",
		"job":        "job",
		"namespace":  "namespace",
		"cluster":    "cluster",
		"metric":     "metric measurement kpi indicator counter gauge",
	} {
		for name := range strings.FieldsSeq(names) {
			place(kind, name, name+"name", name+"id")
		}
	}
	for kind, names := range map[string]string{
		"caller": "caller callername callerservice client clientname clientservice sourceservice sourceworkload sourceapp " +
			"srcservice downstream downstreamservice fromservice consumer",
		"callee": "callee calleename calleeservice serverservice servername destinationservice destinationworkload destinationapp " +
			"destinationservicename dstservice peerservice upstream upstreamservice upstreamcluster toservice target targetservice " +
			"remoteservice dependency dependson dbname dbinstance netpeername peerhostname serveraddress",
		"span_id":        "spanid",
		"parent_span_id": "parentspanid parentid parentspan",
		"trace_id":       "traceid",
	} {
		place(kind, strings.Fields(names)...)
	}
	return kinds
}

// entityReader finds the entities that signals name. It keeps its buffer, and what it found out about names.
type entityReader struct {
	kinds  map[string]int
	known  map[string]spelling // by path, at most maxSpellings
	buffer []byte
}

// spelling is what a path of names tells.
type spelling struct {
	at   int  // place in entityKinds; -1 where it tells none
	byID bool // by an id, which goes behind a name
}

func newEntityReader() entityReader {
	return entityReader{kinds: kindsOf(), known: map[string]spelling{}}
}

// kindOf returns the kind of entity that a path of names tells: "host", "kubernetes.pod_name", "service.name", "client.service", "deviceId".
func (r *entityReader) kindOf(path string) spelling {
	s, ok := r.known[path]
	if !ok {
		s = r.spell(path)
		if len(r.known) < maxSpellings && len(path) <= 2*maxName {
			r.known[strings.Clone(path)] = s
		}
	}
	return s
}

// spell looks at the last name, after the one before it where both together tell more, or where the last is but "name" or "id".
func (r *entityReader) spell(path string) spelling {
	rest, last := "", path
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		rest, last = path[:dot], path[dot+1:]
		before := rest[strings.LastIndexByte(rest, '.')+1:]
		if at, ok := r.kinds[r.plain(before+last)]; ok {
			return spelling{at, strings.HasSuffix(r.plain(last), "id")}
		}
	}
	word := r.plain(last)
	if rest == "" && word == "name" { // of what is measured, where something is
		return spelling{r.kinds["metric"], true}
	}
	if at, ok := r.kinds[word]; ok {
		return spelling{at, strings.HasSuffix(word, "id")}
	}
	return spelling{at: -1}
}

// plain returns a name in lower case without what parts its words.
func (r *entityReader) plain(name string) string {
	r.buffer = r.buffer[:0]
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			r.buffer = append(r.buffer, c+'a'-'A')
		case c != '_' && c != '-' && c != ' ' && c != '/' && c != '.':
			r.buffer = append(r.buffer, c)
		}
	}
	return string(r.buffer)
}

// entities are the names found, by place in entityKinds: the first of each kind, those by an id behind the others.
type entities struct {
	names [len(entityKinds)]string
	weak  [len(entityKinds)]bool
	count int
}

// add takes what texts name.
func (n *entities) add(r *entityReader, texts []fieldText) {
	for i := range texts {
		s := r.kindOf(texts[i].path)
		if s.at < 0 || n.names[s.at] != "" && (!n.weak[s.at] || s.byID) {
			continue
		}
		if n.names[s.at] == "" {
			n.count++
		}
		n.names[s.at], n.weak[s.at] = texts[i].text, s.byID
	}
}

// drop forgets the name of a kind.
func (n *entities) drop(at int) {
	n.names[at], n.weak[at] = "", false
	n.count--
}

// key returns the entity that a signal with these is about, or "".
func (n *entities) key() string {
	for _, name := range n.names[:keyKinds] {
		if name != "" {
			return name
		}
	}
	return ""
}

// mentions returns them in the order of entityKinds.
func (n *entities) mentions() []layers.Mention {
	if n.count == 0 {
		return nil
	}
	all := make([]layers.Mention, 0, n.count)
	for at, name := range n.names {
		if name != "" {
			all = append(all, layers.Mention{Kind: entityKinds[at], Name: name})
		}
	}
	return all
}

// pairs returns what a text says as host=web-1, and whether it consists of such pairs, as logfmt does.
func (l *line) pairs() (all []fieldText, mostly bool) {
	if strings.IndexByte(l.text, '=') < 0 {
		return nil, false
	}
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

// isEntity reports whether a text can be the name of an entity: one word, or few.
func isEntity(text string) bool {
	return text != "" && len(text) <= maxEntity && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) &&
		strings.Count(text, " ") < 3 && strings.TrimSpace(text) == text
}
