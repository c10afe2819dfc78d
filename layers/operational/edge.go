package operational

import (
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// What a label or field says about who needs whom.
type linkKind uint8

const (
	linkNone   linkKind = iota
	linkSelf            // the service that the signal is about
	linkHost            // where it runs
	linkCaller          // who calls
	linkCallee          // who is called
	linkSpan            // the signal's own span
	linkParent          // the span that called it
	linkTrace
	linkKinds // their number
)

// linkNames are in lower case and without what parts words.
func linkNames() map[string]linkKind {
	names := map[string]linkKind{}
	for kind, list := range map[linkKind]string{
		linkSelf: "service servicename app application appkubernetesioname component microservice localservice",
		linkHost: "host hostname instance node nodename k8snodename server",
		linkCaller: "caller callerservice callername client clientservice clientname sourceservice sourceworkload sourceapp srcservice " +
			"downstream downstreamservice fromservice consumer",
		linkCallee: "callee calleeservice calleename serverservice servername destinationservice destinationworkload destinationapp " +
			"destinationservicename dstservice peerservice upstream upstreamservice upstreamcluster toservice target targetservice " +
			"remoteservice dependency dependson dbname dbinstance netpeername peerhostname serveraddress",
		linkSpan:   "spanid",
		linkParent: "parentspanid parentid parentspan",
		linkTrace:  "traceid",
	} {
		for name := range strings.FieldsSeq(list) {
			names[name] = kind
		}
	}
	return names
}

// links is what one signal says.
type links [linkKinds]string

// linkReader finds it in labels, and in what L2 found in payloads.
type linkReader struct {
	names map[string]linkKind
	known map[string]linkKind // names as they are spelt, at most linkSpellings
}

const (
	linkSpellings = 4096
)

func newLinkReader() *linkReader {
	return &linkReader{names: linkNames(), known: map[string]linkKind{}}
}

// kindOf returns what a label says.
func (r *linkReader) kindOf(name string) linkKind {
	kind, ok := r.known[name]
	if !ok {
		kind = r.names[strings.NewReplacer("_", "", "-", "", ".", "", "/", "").Replace(strings.ToLower(name))]
		if len(name) <= nameMax && len(r.known) < linkSpellings {
			r.known[strings.Clone(name)] = kind
		}
	}
	return kind
}

// read returns what the signal says; of labels that say the same the first by name counts.
func (r *linkReader) read(e *layers.Envelope) links {
	var l links
	var from [linkKinds]string
	note := func(name, value string) {
		kind := r.kindOf(name)
		if kind == linkNone || value == "" || len(value) > nameMax || from[kind] != "" && from[kind] <= name {
			return
		}
		l[kind], from[kind] = value, name
	}
	for name, value := range e.Labels {
		note(name, value)
	}
	for _, m := range e.Findings.Mentions { // what the payload says, read by L2
		if kind := r.kindOf(m.Kind); kind != linkNone && l[kind] == "" {
			l[kind] = m.Name
		}
	}
	l[linkHost], _, _ = strings.Cut(l[linkHost], ":")
	return l
}

// node returns the name under which the signal's own service stands in the graph.
func (l *links) node(key string) string {
	if l[linkSelf] != "" {
		return l[linkSelf]
	}
	return key
}
