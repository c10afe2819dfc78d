package bus

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// leaseState is the record of a stage; its zero value is a stage that nobody ever owned.
type leaseState struct {
	revision uint64
	session  string // "" where the stage is free
	owner    string
}

// member is a session that is alive as far as the bucket says.
type member struct {
	revision uint64
	owner    string
	layers   map[string]uint64 // at which revision it joined each
	seen     time.Duration     // when its last renewal arrived here
}

// settling is a layer that members have just joined: more may come.
type settling struct{ first, last time.Duration }

// leaseView is the bucket of leases as far as this process has read it. Times are those of the
// process's monotonic clock.
type leaseView struct {
	leases  map[string]leaseState // by stage
	members map[string]member     // by session
	// departed says until when a session that is gone may not know it yet. The server expires sessions
	// by its own clock, and that one may jump.
	departed map[string]time.Duration
	joins    map[string]settling // by layer
}

func newLeaseView() *leaseView {
	return &leaseView{
		leases: map[string]leaseState{}, members: map[string]member{},
		departed: map[string]time.Duration{}, joins: map[string]settling{},
	}
}

// apply takes in an entry that arrived at a time and reports whether anything changed but that a
// session was renewed.
func (v *leaseView) apply(e leaseEntry, now time.Duration) bool {
	if session := e.session(); session != "" {
		return v.applyMember(session, e, now)
	}
	state := leaseState{revision: e.revision}
	if !e.gone {
		var record leaseRecord
		if json.Unmarshal(e.value, &record) == nil { // What is not readable is nobody's.
			state.session, state.owner = record.Session, record.Owner
		}
	}
	return v.set(e.key, state)
}

// set replaces what is known of a stage, unless something newer is.
func (v *leaseView) set(stage string, state leaseState) bool {
	old := v.leases[stage]
	if state.revision <= old.revision {
		return false
	}
	v.leases[stage] = state
	return true
}

func (v *leaseView) applyMember(session string, e leaseEntry, now time.Duration) bool {
	old, known := v.members[session]
	if e.gone {
		if known {
			delete(v.members, session)
			v.departed[session] = old.seen + leaseValidity
		}
		return known
	}
	var record memberRecord
	if e.revision <= old.revision || json.Unmarshal(e.value, &record) != nil {
		return false
	}
	for layer, joined := range record.Layers {
		if joined == 0 {
			record.Layers[layer] = e.revision
		}
	}
	v.members[session] = member{revision: e.revision, owner: record.Owner, layers: record.Layers, seen: now}
	return v.noteJoins(old.layers, record.Layers, now) || len(old.layers) != len(record.Layers) || !known
}

// noteJoins starts the settling of layers that a session was not in before.
func (v *leaseView) noteJoins(before, after map[string]uint64, now time.Duration) (joined bool) {
	for layer := range after {
		if _, ok := before[layer]; ok {
			continue
		}
		joined = true
		s, ok := v.joins[layer]
		if !ok {
			s.first = now
		}
		s.last = now
		v.joins[layer] = s
	}
	return joined
}

// unsettled reports whether members joined a layer so lately that others may follow.
func (v *leaseView) unsettled(layer string, now time.Duration) bool {
	s, ok := v.joins[layer]
	if !ok {
		return false
	}
	if now < min(s.last+leaseSettle, s.first+leaseSettleMost) {
		return true
	}
	delete(v.joins, layer)
	return false
}

// prune forgets what time has settled.
func (v *leaseView) prune(now time.Duration) {
	for layer := range v.joins {
		v.unsettled(layer, now)
	}
	for session := range v.departed {
		v.holds(session, now)
	}
}

// succeed makes the view the successor of one that was read earlier: sessions that vanished in between
// have departed, those that came have joined.
func (v *leaseView) succeed(old *leaseView, now time.Duration) {
	v.departed, v.joins = old.departed, old.joins
	for session, m := range old.members {
		if _, ok := v.members[session]; !ok {
			v.departed[session] = m.seen + leaseValidity
		}
	}
	for session, m := range v.members {
		v.noteJoins(old.members[session].layers, m.layers, now)
	}
}

// holds reports whether a session may still own something: it is alive, or may believe so.
func (v *leaseView) holds(session string, now time.Duration) bool {
	if session == "" {
		return false
	}
	if _, ok := v.members[session]; ok {
		return true
	}
	until, ok := v.departed[session]
	if ok && now >= until { // It knows by now.
		delete(v.departed, session)
		return false
	}
	return ok
}

// membersOf returns the processes that take part in a layer, in the order in which they joined. Of several
// sessions of one process only the last counts.
func (v *leaseView) membersOf(layer string) []string {
	type life struct {
		process string
		number  int
		joined  uint64
	}
	last := map[string]life{}
	for session, m := range v.members {
		process, number := processOf(session)
		if number > last[process].number {
			last[process] = life{process, number, m.layers[layer]}
		}
	}
	list := make([]life, 0, len(last))
	for _, l := range last {
		if l.joined > 0 {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b life) int {
		return cmp.Or(cmp.Compare(a.joined, b.joined), cmp.Compare(a.process, b.process))
	})
	names := make([]string, len(list))
	for i, l := range list {
		names[i] = l.process
	}
	return names
}

// silent returns the sessions not heard of since a time, without those of one process.
func (v *leaseView) silent(since time.Duration, but string) map[string]uint64 {
	list := map[string]uint64{}
	for session, m := range v.members {
		if process, _ := processOf(session); process != but && m.seen < since {
			list[session] = m.revision
		}
	}
	return list
}
