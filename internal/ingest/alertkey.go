package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Bounds of what tells a condition.
const (
	maxKeyParts = 64
	maxKeyText  = 200 // bytes; longer texts are for people
)

// key names the condition that a notice is about, the same for each notification of it and as far as can be told for no other: its sender's own
// key for it, else all that the object says but what changes from one notification to the next: its state, severity,
// texts for people, times, measured values, addresses of pages. Of whole numbers those count whose name says that
// they tell things apart.
func (n *notice) key(p *picked, s *draft) string {
	if key := n.text(dutyKey); key != "" {
		return digestOf([]string{key})
	}
	k := keyReader{}
	k.members(p.members, nil, 0)
	if m, ok := p.get(fieldText); ok && isTopic(p.members) {
		var room [roomMembers]member
		if members, err := scanObject([]byte(m.text()), room[:0]); err == nil {
			k.parts = k.parts[:0]
			k.members(members, nil, 1)
		}
	}
	if m, ok := p.get(fieldKey); ok && !m.isSentence() {
		k.parts = append(k.parts, m.text())
	}
	k.parts = append(k.parts, s.Key, kindWithoutState(s.Type))
	slices.Sort(k.parts)
	return digestOf(k.parts)
}

// digestOf is half of a SHA-256 sum over parts that hold no zero byte.
func digestOf(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// keyReader collects what tells a condition.
type keyReader struct {
	parts []string
}

func (k *keyReader) members(members []member, within []byte, depth int) {
	for i := range members {
		m := &members[i]
		var room [maxStateWord]byte
		var wide [2*maxStateWord + 1]byte
		name := bare(room[:0], m.name)
		whole := qualified(wide[:0], within, name)
		r := roleOf(whole, name)
		if len(k.parts) < maxKeyParts && (!passes(r.duty) || r.duty == dutyText && m.kind == kindObject) {
			k.member(m, r, keyName{whole: whole, name: name}, depth)
		}
	}
}

// keyName is the plain name of a member, alone and within its object.
type keyName struct {
	whole, name []byte
}

func (k *keyReader) member(m *member, r role, name keyName, depth int) {
	switch m.kind {
	case kindObject:
		var room [roomMembers]member
		if members, err := scanObject(m.raw, room[:0]); err == nil && depth < noticeDepth {
			k.members(members, name.name, depth+1)
		}
	case kindArray:
		k.array(m, name)
	case kindNumber:
		if r.duty == dutyMark || isOrdinal(name.name) {
			k.add(name, string(m.raw))
		}
	case kindString:
		if text := m.text(); r.duty == dutyMark || r.duty == dutyEntity || r.duty == dutyName || isOrdinal(name.name) || tells(text) {
			k.add(name, kindWithoutState(text))
		}
	}
}

// array takes texts only: what else stands in lists are samples.
func (k *keyReader) array(m *member, name keyName) {
	var room [roomMembers]member
	all, err := scanArray(m.raw, room[:0])
	if err != nil {
		return
	}
	for i := range all {
		if all[i].kind == kindString && len(k.parts) < maxKeyParts {
			if text := all[i].text(); tells(text) {
				k.add(name, text)
			}
		}
	}
}

func (k *keyReader) add(name keyName, text string) {
	if text != "" {
		k.parts = append(k.parts, string(name.whole)+"\x01"+text)
	}
}

// passes reports whether what serves a duty says how a condition stands, not which it is.
func passes(d duty) bool {
	switch d {
	case dutyState, dutyGrade, dutyText, dutyStart, dutyEnd, dutyTime, dutyPassing:
		return true
	default:
		return false
	}
}

// tells reports whether a text can tell one condition from another: it is no state, no severity, no number, no time,
// no page's address and not too long.
func tells(text string) bool {
	if text == "" || len(text) > maxKeyText || strings.IndexByte(text, 0) >= 0 {
		return false
	}
	if c := text[0]; isDigit(c) || c == '-' || c == '+' || c == '.' {
		if isMeasure(text) {
			return false
		}
		if _, ok := anyTime(text); ok {
			return false
		}
	}
	if strings.Contains(text, "://") {
		return false
	}
	if _, ok := standingOf([]byte(text)); ok {
		return strings.ContainsAny(text, "./:")
	}
	m := member{raw: appendString(nil, text), kind: kindString}
	_, graded := m.grade()
	return !graded
}

// isMeasure reports whether a text is a number, or one with a unit: 93.5%, 12ms. Addresses are none.
func isMeasure(text string) bool {
	if strings.Count(text, ".") >= 3 {
		return false
	}
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune("+-.,:eE/", r) })
	if end < 0 {
		return true
	}
	return end > 0 && len(text)-end <= len("percent") && !strings.ContainsAny(text[end:], "-_./:")
}

// kindWithoutState drops a state at the end of a dotted type: com.example.alert.raised is about what com.example.alert.cleared is.
func kindWithoutState(text string) string {
	if at := strings.LastIndexAny(text, "./:"); at >= 0 {
		if _, ok := standingOf([]byte(text[at+1:])); ok {
			return text[:at]
		}
	}
	return text
}

// isOrdinal reports whether a number's name says that it tells things apart.
func isOrdinal(name []byte) bool {
	for _, end := range [...]string{"id", "number", "index", "port", "shard", "partition", "slot", "unit", "channel"} {
		if bytes.HasSuffix(name, []byte(end)) {
			return true
		}
	}
	return false
}
