package ingest

import (
	"bytes"
	"strings"
)

// spanFact is something that spans say, under many names.
type spanFact uint8

const (
	factNone spanFact = iota
	factTrace
	factSpan
	factParent
	factService
	factInstance
	factOperation
	factStart
	factEnd
	factDuration
	factStatus
	factError   // whether it failed
	factSuccess // whether it did not
	factCaller
	factCallee
	factCount
)

// spanFacts is what one span says; numbers and booleans as they are written.
type spanFacts [factCount]string

// factNames knows facts by the names of fields, in lower case and without what parts words: those of Jaeger, Zipkin, SkyWalking, OTLP and
// Elastic APM, and those of tables that spans are written to. Of several names the first counts.
var factNames = func() map[string]place {
	known := map[string]place{}
	for fact, names := range map[spanFact]string{
		factTrace:  "traceid",
		factSpan:   "spanid segmentid tracesegmentid id",
		factParent: "parenttracesegmentid parentsegmentid parentspanid parentid parentspan parent pid",
		factService: "servicename service localservicename localservice applicationname application appname app microservice " +
			"component dsname",
		factInstance: "k8spodname podname pod serviceinstance serviceinstanceid serviceinstancename instance instanceid containername " +
			"container cmdbid hostname host hostip node",
		factOperation: "operationname operation spanname endpointname methodname rpcmethod httproute name method httptarget httpurl url",
		factStart:     "starttimeunixnano starttimenano starttimens starttime startedat start starttimestamp starttimemillis timestamp",
		factEnd:       "endtimeunixnano endtimenano endtimens endtime endedat end endtimestamp endtimemillis",
		factDuration: "duration durationnano durationns durationus durationms durationmillis durationseconds elapsed elapsedtime elapsedms latency " +
			"latencyms responsetime timecost cost took",
		factStatus:  "statuscode status httpstatuscode httpresponsestatuscode httpstatus responsecode resultcode grpcstatuscode rpcgrpcstatuscode",
		factError:   "error iserror haserror failed exception",
		factSuccess: "success issuccess succeeded successful",
		factCaller:  "parentservice parentservicename callerservice caller clientservice sourceservice",
		factCallee:  "peerservice remoteservicename remoteservice calleeservice callee targetservice destinationservice",
	} {
		for rank, name := range strings.Fields(names) {
			known[name] = place{field: field(fact), rank: uint8(rank)}
		}
	}
	return known
}()

// Bounds of what is read of a span.
const (
	spanDepth   = 8   // levels
	spanMembers = 512 // members of all levels
	spanText    = 512 // bytes of a fact
)

// spanReader collects facts. Those of outer levels count before those of inner ones.
type spanReader struct {
	facts spanFacts
	rank  [factCount]uint8 // of the name, and of the level before it
	left  int              // members that may still be read
}

// readSpan returns what an object says as a span.
func readSpan(members []member) spanFacts {
	r := spanReader{left: spanMembers}
	r.object("", members, 0)
	return r.facts
}

// object reads an object's own facts, then those of what it contains.
func (r *spanReader) object(name string, members []member, depth int) {
	if r.left -= len(members); r.left < 0 || depth == spanDepth {
		return
	}
	for i := range members {
		m := &members[i]
		if text, ok := m.scalar(); ok {
			r.note(name, plainName(m.name), text, depth)
		}
	}
	for i := range members {
		switch m := &members[i]; m.kind {
		case kindObject:
			r.inner(m, plainName(m.name), depth+1)
		case kindArray:
			r.array(m, plainName(m.name), depth+1)
		default:
		}
	}
}

// inner reads what an object contains under a name.
func (r *spanReader) inner(m *member, name string, depth int) {
	switch name {
	case "logs", "events", "annotations", "scope", "instrumentationscope", "instrumentationlibrary": // what they name is not the span
		return
	}
	var room [roomMembers]member
	members, err := scanObject(m.raw, room[:0])
	if err != nil {
		return
	}
	if key, value, ok := pair(members); ok {
		r.note("", plainName(key), value, depth)
		return
	}
	r.object(name, members, depth)
}

// array reads a list: of attributes, of references, of spans. Of several spans the longest one counts, which the others are part of.
func (r *spanReader) array(m *member, name string, depth int) {
	if !bytes.ContainsRune(m.raw, '{') {
		return
	}
	var room [roomMembers]member
	elements, err := scanArray(m.raw, room[:0])
	if err != nil {
		return
	}
	if name != "spans" || len(elements) < 2 {
		for i := range elements {
			if elements[i].kind == kindObject {
				r.inner(&elements[i], name, depth)
			}
		}
		return
	}
	best, longest, failed := *r, -1.0, ""
	for i := range elements {
		if elements[i].kind != kindObject {
			continue
		}
		one := *r
		one.inner(&elements[i], name, depth)
		if one.facts.failed() {
			failed = "true"
		}
		if took, ok := one.facts.duration(); ok && took > longest {
			best, longest = one, took
		}
		r.left = one.left
	}
	left := r.left
	*r = best
	r.left = left
	if failed != "" {
		r.facts[factError] = failed
	}
}

// pair returns an attribute that is written as an object of key and value; the value may be wrapped in its type.
func pair(members []member) (key []byte, value string, ok bool) {
	var at *member
	for i := range members {
		switch string(members[i].name) {
		case "key":
			if members[i].kind == kindString {
				key = []byte(members[i].text())
			}
		case "value":
			at = &members[i]
		}
	}
	if key == nil || at == nil {
		return nil, "", false
	}
	if value, ok = at.scalar(); ok || at.kind != kindObject {
		return key, value, ok
	}
	var room [2]member
	wrapped, err := scanObject(at.raw, room[:0])
	if err != nil || len(wrapped) == 0 {
		return nil, "", false
	}
	value, ok = wrapped[0].scalar()
	return key, value, ok
}

// note takes a scalar under its name, and the name of what contains it where both together tell more.
func (r *spanReader) note(around, name, text string, depth int) {
	if text == "" || len(text) > spanText {
		return
	}
	at, ok := factNames[around+name]
	if !ok {
		at, ok = factNames[name]
	}
	if !ok {
		return
	}
	fact := spanFact(at.field)
	switch around {
	case "references", "refs", "links", "parent": // They are about the span that called this one.
		switch fact {
		case factSpan, factParent:
			fact = factParent
		case factService, factCaller:
			fact = factCaller
		default:
			return
		}
	case "remoteendpoint", "peer", "remote":
		if fact != factService && fact != factCallee {
			return
		}
		fact = factCallee
	}
	if fact == factParent && text == "-1" { // none, within its segment
		return
	}
	rank := uint8(depth)<<5 | min(at.rank, 1<<5-1)
	if r.facts[fact] == "" || rank < r.rank[fact] {
		r.facts[fact], r.rank[fact] = text, rank
	}
}

// plainName returns a name in lower case without what parts its words.
func plainName(name []byte) string {
	var room [maxFactName]byte
	if len(name) > len(room) {
		return ""
	}
	plain := room[:0]
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			plain = append(plain, c+'a'-'A')
		case c != '_' && c != '-' && c != '.' && c != ' ' && c != '/':
			plain = append(plain, c)
		}
	}
	return string(plain)
}

// maxFactName is longer than the name of any fact.
const maxFactName = 64
