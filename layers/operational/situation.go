package operational

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

const (
	situationTokensMax   = 128     // what a situation is related by
	situationTracesMax   = 32      // of which so many are traces, since every signal may have its own
	situationSourcesMax  = 16      // sources whose time it waits for
	situationEntitiesMax = 64      // entities that are ranked
	situationIDsMax      = 100_000 // member ids kept, over all open situations
	situationEarly       = 8       // so many entities are announced one by one
	titleMax             = 200     // bytes
)

// openSituation is a situation that may still get members.
type openSituation struct {
	public     layers.Situation // Title is that of the opener alone, Entities are made when announced
	order      uint64           // of opening
	receivedAt time.Time        // newest ReceivedAt of its members
	sources    []sourceSpan
	entities   []entity
	tokens     []token
	known      map[token]bool // the tokens
	graph      *topology      // nil where none is known
	traces     int            // tokens that are traces
	silent     []string       // ids of the notices of what is silent still; they keep it open
	notices    int            // members that are notices of silence
	planned    int            // newest revision for which L4 has a plan; 0 for none

	nextMembers, nextEntities int // numbers at which the next update is due
}

// sourceSpan is how far one source's members reach.
type sourceSpan struct {
	name   string
	last   time.Time // newest event time
	passed bool      // the source's own time is past that of any further member
}

func newOpenSituation(m member) *openSituation {
	sum := sha256.Sum256([]byte(m.e.Identity()))
	return &openSituation{
		public: layers.Situation{
			ID: "sit-" + hex.EncodeToString(sum[:8]), Key: m.key, Title: titleOf(m),
			OpenedAt: m.at, UpdatedAt: m.at,
		},
		receivedAt: m.e.ReceivedAt, known: map[token]bool{},
		nextMembers: 2, nextEntities: 2,
	}
}

// titleOf names the situation after what opened it.
func titleOf(m member) string {
	what := plain(m.e.Text, titleMax)
	if what == "" || m.e.HasValue {
		what = reasonOf(m.e)
	}
	if strings.HasPrefix(what, m.key) {
		return plain(what, titleMax)
	}
	return plain(m.key+": "+what, titleMax)
}

// add counts a member in, and reports whether its id was kept.
func (s *openSituation) add(m member, keepID bool) bool {
	p := &s.public
	p.Members++
	p.Severity = max(p.Severity, m.severity)
	p.Anomaly = max(p.Anomaly, min(max(m.e.Findings.Anomaly, 0), 1))
	if !m.mild {
		s.reach(m)
	}
	s.addEntity(entitySeen{m.key, m.node, m.at, m.severity, m.anomaly()})
	if m.absence != "" {
		s.notices++
		if s.notices == p.Members && len(s.silent) < absencesHeldMax && !slices.Contains(s.silent, m.absence) {
			s.silent = append(s.silent, m.absence)
		}
	}
	if !keepID || len(p.MemberIDs) >= layers.SituationMaxMemberIDs || len(m.e.ID) > 2*nameMax {
		return false
	}
	p.MemberIDs = append(p.MemberIDs, strings.Clone(m.e.ID))
	return true
}

// raise makes a member as severe and strange as it turned out to be.
func (s *openSituation) raise(m member) {
	s.public.Severity = max(s.public.Severity, m.severity)
	s.public.Anomaly = max(s.public.Anomaly, m.anomaly())
	for i := range s.entities {
		if own := &s.entities[i]; own.name == m.key {
			own.severity, own.anomaly = max(own.severity, m.severity), max(own.anomaly, m.anomaly())
		}
	}
}

// reach extends the time of the situation to that of a member.
func (s *openSituation) reach(m member) {
	p := &s.public
	if m.at.Before(p.OpenedAt) {
		p.OpenedAt = m.at
	}
	if m.at.After(p.UpdatedAt) {
		p.UpdatedAt = m.at
	}
	if m.e.ReceivedAt.After(s.receivedAt) {
		s.receivedAt = m.e.ReceivedAt
	}
}

// addSource notes how far the member's source reaches, and reports whether it is a new one.
func (s *openSituation) addSource(m member) bool {
	for i := range s.sources {
		if own := &s.sources[i]; own.name == m.source {
			if m.at.After(own.last) {
				own.last = m.at
			}
			own.passed = false
			return false
		}
	}
	if len(s.sources) >= situationSourcesMax {
		return false
	}
	s.sources = append(s.sources, sourceSpan{name: strings.Clone(m.source), last: m.at})
	return true
}

// pass notes the source's event time. It returns whether the situation still waits for any
// source, and whether it has members of this one.
func (s *openSituation) pass(source string, at time.Time, patience time.Duration) (waits, mine bool) {
	patience += s.hold()
	for i := range s.sources {
		own := &s.sources[i]
		if own.name == source {
			mine = true
			own.passed = own.passed || at.After(own.last.Add(patience))
		}
		waits = waits || !own.passed
	}
	return waits, mine
}

// hold is for how long it stays open beyond its time.
func (s *openSituation) hold() time.Duration {
	if len(s.silent) > 0 {
		return absenceHold
	}
	return 0
}

// waitsFor returns the newest event time of the source's members where the source has not yet
// passed it.
func (s *openSituation) waitsFor(source string) (last time.Time, waits bool) {
	for _, own := range s.sources {
		if own.name == source && !own.passed {
			return own.last, true
		}
	}
	return time.Time{}, false
}

// learn adds what the situation is related by, and reports whether it was new.
func (s *openSituation) learn(t token) bool {
	if s.known[t] || len(s.tokens) >= situationTokensMax || t.kind == tokenTrace && s.traces >= situationTracesMax {
		return false
	}
	if t.kind == tokenTrace {
		s.traces++
	}
	t = token{t.kind, strings.Clone(t.value)}
	s.known[t] = true
	s.tokens = append(s.tokens, t)
	return true
}

// isDue reports whether the situation has grown enough to say so again: to twice the members,
// or to another of its first entities, later twice the entities.
func (s *openSituation) isDue() bool {
	return s.public.Members >= s.nextMembers || len(s.entities) >= s.nextEntities
}

// announce returns a deep copy with the event and the next revision.
func (s *openSituation) announce(event layers.SituationEvent) *layers.Situation {
	s.public.Revision++
	s.public.Event = event
	for s.nextMembers <= s.public.Members {
		s.nextMembers *= 2
	}
	for s.nextEntities <= len(s.entities) {
		s.nextEntities += max(1, s.nextEntities/situationEarly*s.nextEntities)
	}
	shown := copySituation(&s.public)
	shown.Entities = s.ranked()
	if others := len(s.entities) - 1; others > 0 {
		shown.Title += " (and " + number(float64(others)) + " more)"
	}
	return shown
}

// outline is what a member that is folded carries: which situation, without its lists.
func (s *openSituation) outline() *layers.Situation {
	outline := s.public
	outline.MemberIDs, outline.Entities, outline.Recalled = nil, nil, nil
	return &outline
}

func copySituation(s *layers.Situation) *layers.Situation {
	c := *s
	c.MemberIDs = slices.Clone(s.MemberIDs)
	c.Entities = slices.Clone(s.Entities)
	c.Recalled = slices.Clone(s.Recalled)
	return &c
}

// index rebuilds what a snapshot leaves out, and takes no number from it that would never be
// reached.
func (s *openSituation) index() {
	s.nextMembers, s.nextEntities = max(s.nextMembers, 2), max(s.nextEntities, 2)
	s.known = make(map[token]bool, len(s.tokens))
	for _, t := range s.tokens {
		s.known[t] = true
		if t.kind == tokenTrace {
			s.traces++
		}
	}
	s.public.Event = layers.SituationUpdated
	if s.public.Revision == 1 {
		s.public.Event = layers.SituationOpened
	}
}
