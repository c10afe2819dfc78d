package implementation

import (
	"slices"
	"strings"
)

// How it is learnt which field of a sender's objects names the entity that they are about, where none has a name that is known.
const (
	senderMost     = 500   // senders that are known; the one not heard of for longest is forgotten first
	senderFields   = 16    // of one sender that are looked at
	senderFirst    = 100   // signals after which it is decided for the first time; then after half as many more, again and again
	senderLast     = 6_400 // and for the last time
	senderValues   = 64    // different values that a field may have meanwhile, at most
	senderAfter    = 256   // and afterwards: with more of them it is no name of an entity
	senderRepeated = 4     // signals a value, at least
)

// sender is what is known of the objects of one source whose signals have no key.
type sender struct {
	source   string
	signals  uint64
	decideAt uint64 // signals at which it is decided; 0 once it is
	chosen   string // path of the field that names the entity; "" where there is none
	fields   []senderField
	used     uint64
	place    entry[*sender]
}

// senderField is a field that may name the entity.
type senderField struct {
	path    string
	present uint64   // signals that have it
	newAt   uint64   // signal that brought the newest value
	digits  uint64   // of its values have a digit
	values  []uint64 // hashes, sorted
}

// senders knows all of them, within their bound.
type senders struct {
	known map[string]*sender
	order recency[*sender]
	clock uint64
}

func newSenders() *senders { return &senders{known: map[string]*sender{}} }

// key returns the entity that an object without a known name is about, as far as that is learnt, and learns from it.
func (b *senders) key(source string, texts []fieldText) string {
	if len(texts) == 0 {
		return ""
	}
	s := b.known[source]
	if s == nil {
		s = &sender{source: strings.Clone(source), decideAt: senderFirst}
		s.place.value = s
		b.known[source] = s
	}
	b.clock++
	s.used = b.clock
	b.order.touch(&s.place)
	if len(b.known) > senderMost {
		oldest := b.order.oldest()
		b.order.remove(&oldest.place)
		delete(b.known, oldest.source)
	}
	return s.key(texts)
}

func (s *sender) key(texts []fieldText) string {
	s.signals++
	found := ""
	for _, t := range texts {
		if s.decideAt == 0 && t.path != s.chosen || strings.Contains(t.text, " ") {
			continue
		}
		if t.path == s.chosen && s.chosen != "" {
			found = t.text
		}
		s.learn(t)
	}
	switch {
	case s.decideAt == s.signals:
		s.decide()
	case s.chosen != "" && len(s.fields[0].values) > senderAfter:
		s.chosen, s.fields, found = "", nil, "" // It only looked like one.
	}
	return found
}

// learn notes a field's value.
func (s *sender) learn(t fieldText) {
	i := slices.IndexFunc(s.fields, func(f senderField) bool { return f.path == t.path })
	if i < 0 {
		if len(s.fields) == senderFields || s.signals > senderFirst/10 || !namesEntities(t.path) {
			return
		}
		i = len(s.fields)
		s.fields = append(s.fields, senderField{path: strings.Clone(t.path)})
	}
	field := &s.fields[i]
	field.present++
	hash := hashBytes([]byte(t.text))
	at, known := slices.BinarySearch(field.values, hash)
	if known {
		return
	}
	if s.decideAt > 0 && len(field.values) == senderValues {
		s.fields = slices.Delete(s.fields, i, i+1)
		return
	}
	field.newAt = s.signals
	field.values = slices.Insert(field.values, at, hash)
	if strings.ContainsAny(t.text, "0123456789") {
		field.digits++
	}
}

// decide chooses the field, or says when to try again: also where a better one may still turn out to be stable.
func (s *sender) decide() {
	best, open := -1, len(s.fields) > 0
	for i := range s.fields {
		if s.fields[i].isStable(s.signals) && (best < 0 || s.fields[i].worth() > s.fields[best].worth()) {
			best = i
		}
	}
	if best >= 0 {
		open = slices.ContainsFunc(s.fields, func(f senderField) bool {
			return f.isRegular(s.signals) && f.worth() > s.fields[best].worth()
		})
	}
	switch {
	case open && s.signals < senderLast:
		s.decideAt += s.decideAt / 2
	case best >= 0:
		s.chosen, s.decideAt, s.fields = s.fields[best].path, 0, []senderField{s.fields[best]}
	default:
		s.decideAt, s.fields = 0, nil
	}
}

// isRegular reports whether nearly all signals have the field.
func (f *senderField) isRegular(signals uint64) bool { return f.present*20 >= signals*19 }

// isStable reports whether nearly all signals have the field and its few values come again and again.
func (f *senderField) isStable(signals uint64) bool {
	n := uint64(len(f.values))
	return n >= 2 && n*senderRepeated <= signals && f.isRegular(signals) && f.newAt <= signals/2
}

// worth says which field names the entity: the one that tells most of them apart, and the sooner where its values have digits, as
// names of machines have, or its own name says so.
func (f *senderField) worth() int {
	worth := len(f.values)
	if f.digits*2 > uint64(len(f.values)) {
		worth *= 4
	}
	name := strings.ToLower(f.path)
	if strings.HasSuffix(name, "id") || strings.HasSuffix(name, "name") || strings.HasSuffix(name, "ref") {
		worth *= 2
	}
	return worth
}

// notEntities are names of fields that say what or how, but not about whom.
const notEntities = ` level severity loglevel priority type kind event eventtype status state method version unit units currency env
environment stage region zone datacenter action category lang language locale result outcome code metric protocol format scheme role
message msg text note log reason error description summary title time timestamp date day ts id uid uuid guid traceid spanid requestid
traceparent correlationid sessionid session path url uri source subject value color `

// namesEntities reports whether a field of this path may name entities.
func namesEntities(path string) bool {
	last := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
	last = strings.NewReplacer("_", "", "-", "", "@", "").Replace(last)
	return !slices.Contains(strings.Fields(notEntities), last)
}
