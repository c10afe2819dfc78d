package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// story is what was announced of one situation.
type story struct {
	revisions map[int]bool
	last      int // revision
	closed    bool
	severity  string
	members   int
	planned   map[int]bool // revisions that L4 announced once more, with its plan
}

// readSituations requires opened, updated any number of times, closed at most once; each revision once, and once more with L4's plan.
func (e *evidence) readSituations(ctx context.Context, js jetstream.JetStream) error {
	const promise = "situations are told once, in order"
	return readStream(ctx, js, "HAL9_SITUATIONS", func(m entry) {
		var s struct {
			ID, Event, Severity string
			Revision, Members   int
			PlanID              string `json:"plan_id"`
		}
		if err := json.Unmarshal(m.msg.Data(), &s); err != nil || s.ID == "" || m.subject != "hal9.situations."+s.Event {
			e.found.add(promise, "%s at %d: %v: %s", m.subject, m.seq, err, m.msg.Data())
			return
		}
		known := e.situations[s.ID]
		if known != nil && s.PlanID != "" && known.revisions[s.Revision] { // L3's own later events have a plan, too
			if s.Event != "updated" || known.planned[s.Revision] {
				e.found.add(promise, "%s is planned in revision %d, %s (sequence %d), which is not the first time", s.ID, s.Revision, s.Event, m.seq)
			}
			known.planned[s.Revision] = true
			return
		}
		switch {
		case known == nil && (s.Event != "opened" || s.Revision != 1):
			e.found.add(promise, "%s begins with revision %d, %s (sequence %d)", s.ID, s.Revision, s.Event, m.seq)
		case known != nil && known.revisions[s.Revision]:
			e.found.add(promise, "%s has revision %d twice, the second is %s (sequence %d, %s)", s.ID, s.Revision, s.Event, m.seq, m.at.Format(clockFormat))
		case known != nil && s.Event == "opened":
			e.found.add(promise, "%s is opened again by revision %d (sequence %d)", s.ID, s.Revision, m.seq)
		case known != nil && known.closed:
			e.found.add(promise, "%s is %s by revision %d after it was closed (sequence %d)", s.ID, s.Event, s.Revision, m.seq)
		case known != nil && s.Revision != known.last+1:
			e.found.add(promise, "%s goes from revision %d to %d, %s (sequence %d)", s.ID, known.last, s.Revision, s.Event, m.seq)
		}
		if known == nil {
			known = &story{revisions: map[int]bool{}, planned: map[int]bool{}}
			e.situations[s.ID] = known
		}
		known.revisions[s.Revision] = true
		known.last, known.closed, known.severity, known.members = s.Revision, s.Event == "closed", s.Severity, s.Members
	})
}

// checkSituations requires that every situation that a verdict names was announced.
func (e *evidence) checkSituations() {
	for i := range e.ends {
		if id := e.ends[i].situation; id != "" && e.situations[id] == nil {
			e.found.addSignal(i, "every situation is announced", "ended in %s, of which nothing was told", id)
		}
	}
}

// readPlans requires each event of each plan once.
func (e *evidence) readPlans(ctx context.Context, js jetstream.JetStream) error {
	const promise = "plans are told once"
	seen := map[string]uint64{}
	return readStream(ctx, js, "HAL9_PLANS", func(m entry) {
		var p struct {
			ID, Event   string
			SituationID string `json:"situation_id"`
		}
		if err := json.Unmarshal(m.msg.Data(), &p); err != nil || p.ID == "" || m.subject != "hal9.plans."+p.Event {
			e.found.add(promise, "%s at %d: %v: %s", m.subject, m.seq, err, m.msg.Data())
			return
		}
		e.plans++
		e.note(m.msg.Data())
		name := p.ID + " " + p.Event
		if before, twice := seen[name]; twice {
			e.found.add(promise, "%s of %s is told at sequence %d and at %d", name, p.SituationID, before, m.seq)
		}
		seen[name] = m.seq
		if e.situations[p.SituationID] == nil {
			e.found.add("every situation is announced", "%s is for %s, of which nothing was told", name, p.SituationID)
		}
	})
}

// readLetters requires one dead letter for each unreadable signal, and no other.
func (e *evidence) readLetters(ctx context.Context, js jetstream.JetStream) error {
	const promise = "dead letters only where expected"
	seen := map[int]int{}
	err := readStream(ctx, js, "HAL9_DEAD", func(m entry) {
		e.letters++
		if m.subject == "hal9.dead.action" {
			return // An action whose outcome is not known; checkActions asks for it.
		}
		i, marked := firstMark(m.msg.Data(), len(e.script.key))
		reason := m.msg.Headers().Get("Hal9-Error")
		switch {
		case !marked:
			e.found.add(promise, "%s at %d: %s: %s", m.subject, m.seq, reason, m.msg.Data())
			return
		case e.script.kind[i] != contentPoison || m.subject != "hal9.dead.L1" || reason == "":
			e.found.addSignal(i, promise, "is a dead letter on %s: %s", m.subject, reason)
		}
		if seen[i]++; seen[i] > 1 {
			e.found.addSignal(i, promise, "is %d dead letters", seen[i])
		}
	})
	for i, kind := range e.script.kind {
		if kind == contentPoison && e.load.acked[i] && seen[i] == 0 {
			e.found.addSignal(i, promise, "cannot be read and is no dead letter")
		}
	}
	return err
}

func (s *story) String() string {
	return fmt.Sprintf("revision %d, closed %v, %s, %d members", s.last, s.closed, s.severity, s.members)
}
