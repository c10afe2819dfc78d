package ingest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of what is read of an alert.
const (
	noticeDepth   = 4   // objects within each other
	noticeMembers = 200 // members in all
)

// notice is what an object says as an alert, whoever sent it: the member that serves each duty best.
type notice struct {
	best  [dutyCount]member
	rank  [dutyCount]uint16
	has   [dutyCount]bool
	state standing
	sure  bool // it has what alerts alone have
	seen  int
}

// hasClue reports whether an object may be an alert in another shape than Alertmanager's: it tells a state by a word
// that is known, or has a member in which one may stand.
func hasClue(p *picked) bool {
	if _, ok := p.get(fieldClue); ok {
		return true
	}
	if m, ok := p.get(fieldStatus); ok {
		_, known := m.standing()
		return known
	}
	return false
}

// stateless are the names of texts that are clues whatever they say: the state stands elsewhere, or is a number.
var stateless = [...]string{"schemaid", "topicarn", "detail-type", "event_value"}

// isClue reports whether a member may tell the state of an alert, or contain one.
func (m *member) isClue() bool {
	switch m.kind {
	case kindObject:
		return true
	case kindString:
		if _, ok := m.standing(); ok {
			return true
		}
		return slices.ContainsFunc(stateless[:], func(name string) bool { return bytes.EqualFold(m.name, []byte(name)) })
	default:
		return false
	}
}

// readNotice reads an object as an alert; ok is false where it is none. Alerts tell a known state and that they are
// alerts: by a name that alerts alone have, or by their type, which is kind where it stands elsewhere. What is well and
// has a value is a sample.
func readNotice(p *picked, kind string) (n notice, ok bool) {
	n.members(p.members, nil, 0)
	n.sure = n.sure || isAlertKind(kind)
	if s, ok := standingOf([]byte(kind)); ok && !n.has[dutyState] {
		n.state, n.has[dutyState] = s, true
	}
	if m, has := p.get(fieldText); has && !n.has[dutyState] && m.kind == kindString && isTopic(p.members) {
		n.inner(m)
	}
	if !n.has[dutyState] || !n.sure {
		return n, false
	}
	_, sample := p.get(fieldValue)
	return n, n.state.status == alertFiring || !sample || n.has[dutyName]
}

// isTopic reports whether an object is a notification of Amazon's SNS, whose message is text.
func isTopic(members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool { return strings.EqualFold(string(m.name), "topicarn") })
}

// inner reads a text that is a JSON object itself.
func (n *notice) inner(m *member) {
	text := []byte(m.text())
	var room [roomMembers]member
	if members, err := scanObject(text, room[:0]); err == nil {
		clear(n.has[:])
		n.members(members, nil, 1)
	}
}

// members looks at an object's members; within is its plain name.
func (n *notice) members(members []member, within []byte, depth int) {
	for i := range members {
		if n.seen++; n.seen > noticeMembers {
			return
		}
		m := &members[i]
		var room [maxStateWord]byte
		var wide [2*maxStateWord + 1]byte
		name := bare(room[:0], m.name)
		whole := qualified(wide[:0], within, name)
		r := roleOf(whole, name)
		switch {
		case (m.kind == kindObject || m.kind == kindArray) && (r.duty == dutyList || r.duty == dutyName && m.kind == kindArray):
			n.list(m, r)
		case m.kind == kindObject && depth < noticeDepth:
			n.object(m, name, within, depth)
		case m.kind == kindString && len(m.raw) > len(`""`), m.kind == kindNumber:
			n.take(m, r, whole)
		}
	}
}

// object looks into an object whose members count.
func (n *notice) object(m *member, name, within []byte, depth int) {
	r, wrapped := wraps[string(name)]
	if !wrapped {
		return
	}
	n.sure = n.sure || r.sure
	if string(name) == "metadata" {
		name = within // What Kubernetes and Sensu call so belongs to the object around it.
	}
	var room [roomMembers]member
	if members, err := scanObject(m.raw, room[:0]); err == nil {
		n.members(members, name, depth+1)
	}
}

// take lets a member serve, where it can and none goes before it.
func (n *notice) take(m *member, r role, name []byte) {
	n.sure = n.sure || r.sure || bytes.HasPrefix(name, []byte("alert")) || bytes.HasPrefix(name, []byte("alarm"))
	ok := false
	switch r.duty {
	case dutyKind:
		n.sure = n.sure || isAlertKind(m.text())
	case dutyState:
		n.takeState(m, r, name)
	case dutyGrade:
		_, ok = m.grade()
	case dutyStart, dutyEnd, dutyTime:
		_, ok = m.moment()
	case dutyEntity, dutyName, dutyKey:
		ok = m.isShort()
	case dutyText:
		ok = m.kind == kindString
	}
	if ok {
		n.serve(m, r)
	}
}

func (n *notice) serve(m *member, r role) {
	if !n.has[r.duty] || r.rank < n.rank[r.duty] {
		n.best[r.duty], n.rank[r.duty], n.has[r.duty] = *m, r.rank, true
	}
}

// takeState reads a member that may tell the state. A type tells one, too, where it ends in it: shop.alert.raised.
func (n *notice) takeState(m *member, r role, name []byte) {
	if string(name) == "type" || string(name) == "eventtype" {
		n.sure = n.sure || isAlertKind(m.text())
	}
	s, ok := m.standing()
	if m.kind == kindNumber || string(name) == "eventvalue" {
		s, ok = numberStanding(name, m.text())
	}
	if ok && (!n.has[dutyState] || r.rank < n.rank[dutyState]) {
		n.state = s
		n.serve(m, r)
	}
}

// numberStanding reads the numbers that Zabbix's events, checks as Nagios' plugins, and heartbeats have for states.
func numberStanding(name []byte, text string) (standing, bool) {
	switch string(name) + " " + text {
	case "eventvalue 0", "check/status 0", "heartbeat/status 1":
		return standing{status: alertResolved}, true
	case "eventvalue 1":
		return standing{status: alertFiring}, true
	case "check/status 1":
		return standing{alertFiring, layers.SeverityWarning}, true
	case "check/status 2":
		return standing{alertFiring, layers.SeverityError}, true
	case "heartbeat/status 0":
		return standing{alertFiring, layers.SeverityError}, true
	}
	return standing{}, false
}

// list takes the first of a list: a text, or the value or name of an object.
func (n *notice) list(m *member, r role) {
	first := *m
	if m.kind == kindArray {
		all, err := scanArray(m.raw, nil)
		if err != nil || len(all) == 0 {
			return
		}
		first = all[0]
	}
	if first.kind == kindObject {
		var room [roomMembers]member
		members, err := scanObject(first.raw, room[:0])
		if err != nil || len(members) == 0 {
			return
		}
		first = members[0]
		for i := range members { // A dimension has both, in any order: which kind of thing, and which one.
			name := strings.ToLower(string(members[i].name))
			if name == "value" {
				first = members[i]
				break
			}
			if name == "name" && members[i].isShort() {
				first = members[i]
			}
		}
	}
	n.sure = n.sure || r.sure
	if first.isShort() {
		n.serve(&first, r)
	}
}

// isAlertKind reports whether a type says that it is one of alerts; the word may stand before that of a state.
func isAlertKind(kind string) bool {
	rest := kind
	for range 2 {
		at := strings.LastIndexAny(rest, ".:/")
		word := rest[at+1:]
		for _, name := range [...]string{alertType, "alarm", "problem", "incident"} {
			if strings.EqualFold(word, name) {
				return true
			}
		}
		if _, ok := standingOf([]byte(word)); !ok || at < 0 {
			break
		}
		rest = rest[:at]
	}
	return strings.HasSuffix(kind, "AlertSchema") || strings.Contains(kind, " Alarm ")
}

// moment reads a time; a number that is no time of this century is none.
func (m *member) moment() (time.Time, bool) {
	text := m.text()
	if m.kind == kindNumber && len(text) < len("1000000000") {
		return time.Time{}, false
	}
	t, err := parseTime(text)
	return t, err == nil && t.Unix() > 0
}
