package operational

import (
	"maps"
	"slices"
	"strings"
)

const (
	topologyNodes = 4096 // names that are known; a quarter of those not seen for longest is forgotten when there are more
	topologyEdges = 32   // of what one depends on, and as many that depend on it
	edgesOnce     = 2048 // edges that were seen once; the second time they count
	spansMax      = 2048 // spans whose service is known, or who waits for it
)

// topology knows who depends on whom, as far as signals say so: callers on callees, services on the hosts on which they run.
type topology struct {
	reader *linkReader
	nodes  map[string]*node
	clock  uint64
	spans  spanTable
	once   []uint64 // hashes
}

// node is one service or host.
type node struct {
	name  string
	seen  uint64
	needs []string // in the order in which they were learnt
	users []string
}

func newTopology() *topology {
	return &topology{reader: newLinkReader(), nodes: map[string]*node{}}
}

// learn takes over what a signal says, and reports whether any of it is new. What is said once may be chance, unless the signal is
// sure to matter.
func (t *topology) learn(l *links, key string, sure bool) (news bool) {
	add := func(user, needed string) bool { return t.add(user, needed, sure) }
	self := l.node(key)
	caller, callee := l[linkCaller], l[linkCallee]
	switch {
	case caller != "" && callee != "":
		news = add(caller, callee)
	case callee != "":
		news = add(self, callee)
	case caller != "":
		news = add(caller, self)
	}
	if host := l[linkHost]; host != "" && host != key {
		news = add(key, host) || news
		if l[linkSelf] != "" {
			news = add(self, host) || news
		}
	}
	for _, edge := range t.spans.pass(l, self) {
		news = add(edge[0], edge[1]) || news
	}
	return news
}

// add learns that user needs needed, and reports whether that is new.
func (t *topology) add(user, needed string, sure bool) bool {
	if user == "" || needed == "" || user == needed {
		return false
	}
	if a := t.nodes[user]; a != nil && slices.Contains(a.needs, needed) {
		t.touch(user)
		t.touch(needed)
		return false
	}
	if !sure && !t.again(user, needed) {
		return false
	}
	a, b := t.touch(user), t.touch(needed)
	if len(a.needs) >= topologyEdges || len(b.users) >= topologyEdges {
		return false
	}
	if slices.Contains(b.needs, a.name) { // each needs the other: who came first counts
		return false
	}
	a.needs, b.users = append(a.needs, b.name), append(b.users, a.name)
	return true
}

// again reports whether the edge was seen before, and remembers it where not.
func (t *topology) again(user, needed string) bool {
	if t.once == nil {
		t.once = make([]uint64, edgesOnce)
	}
	hash := hashText(user+"\x00"+needed) | 1
	at := &t.once[hash/2%edgesOnce]
	seen := *at == hash
	*at = hash
	return seen
}

// hashText is FNV-1a.
func hashText(text string) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(text) {
		hash = (hash ^ uint64(text[i])) * 1099511628211
	}
	return hash
}

// touch returns the node, a new one where it is not known.
func (t *topology) touch(name string) *node {
	t.clock++
	n, ok := t.nodes[name]
	if !ok {
		n = &node{name: strings.Clone(name)}
		t.nodes[n.name] = n
		n.seen = t.clock
		t.forget()
	}
	n.seen = t.clock
	return n
}

// forget makes room.
func (t *topology) forget() {
	if len(t.nodes) <= topologyNodes {
		return
	}
	all := slices.SortedFunc(maps.Values(t.nodes), func(a, b *node) int {
		if a.seen < b.seen {
			return -1
		}
		return 1
	})
	for _, n := range all[:topologyNodes/4] {
		for _, other := range n.needs {
			t.nodes[other].users = without(t.nodes[other].users, n.name)
		}
		for _, other := range n.users {
			t.nodes[other].needs = without(t.nodes[other].needs, n.name)
		}
		n.needs, n.users = nil, nil
		delete(t.nodes, n.name)
	}
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return n == name })
}

// near returns who is at most two steps away, the near ones first. Those that many depend on lead no further.
func (t *topology) near(name string) []string {
	var found []string
	seen := map[string]bool{name: true}
	ring := []string{name}
	for range 2 {
		var next []string
		for _, at := range ring {
			n := t.nodes[at]
			if n == nil || len(n.users) >= topologyEdges {
				continue
			}
			for _, other := range slices.Concat(n.needs, n.users) {
				if !seen[other] && len(found) < 2*topologyEdges {
					seen[other] = true
					next, found = append(next, other), append(found, other)
				}
			}
		}
		ring = next
	}
	return found
}

// causes returns which of the given names one depends on most directly, through others that are not among them where it must.
func (t *topology) causes(name string, among map[string]bool) []string {
	seen := map[string]bool{name: true}
	ring := []string{name}
	for range 4 {
		var next, found []string
		for _, at := range ring {
			n := t.nodes[at]
			if n == nil {
				continue
			}
			for _, other := range n.needs {
				if seen[other] {
					continue
				}
				seen[other] = true
				if among[other] {
					found = append(found, other)
				} else if len(next) < 4*topologyEdges {
					next = append(next, other)
				}
			}
		}
		if len(found) > 0 {
			return found
		}
		ring = next
	}
	return nil
}

// spanTable connects spans with those that called them, whichever comes first. Of those that share a place the newer one stays.
type spanTable struct{ slots []traceSpan }

type traceSpan struct {
	id      string // of its trace and itself
	service string
	waits   bool // for the service of the span itself: service is that of one that it called
}

// pass takes note of a signal's span and returns the edges that it completes: of its caller to it, of it to one that it called.
func (s *spanTable) pass(l *links, self string) [][2]string {
	if l[linkSpan] == "" && l[linkParent] == "" || len(self) > nameMax {
		return nil
	}
	var edges [][2]string
	if l[linkParent] != "" {
		at := s.at(l[linkTrace] + "/" + l[linkParent])
		switch {
		case at.service == "":
			at.service, at.waits = strings.Clone(self), true
		case !at.waits:
			edges = append(edges, [2]string{at.service, self})
		}
	}
	if l[linkSpan] != "" {
		at := s.at(l[linkTrace] + "/" + l[linkSpan])
		if at.service != "" && at.waits {
			edges = append(edges, [2]string{self, at.service})
		}
		at.service, at.waits = strings.Clone(self), false
	}
	return edges
}

// at returns the place of a span.
func (s *spanTable) at(id string) *traceSpan {
	if s.slots == nil {
		s.slots = make([]traceSpan, spansMax)
	}
	at := &s.slots[hashText(id)%spansMax]
	if at.id != id {
		*at = traceSpan{id: strings.Clone(id)}
	}
	return at
}
