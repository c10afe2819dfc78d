package bus

import (
	"context"
	"errors"
	"slices"
	"time"
)

// todo is what a plan leaves to be done by requests.
type todo struct {
	announce bool              // the layers in the session's record are not those asked for
	leftover map[string]uint64 // leases of this process that nobody works on, with their revisions
	silent   map[string]uint64 // sessions that should have expired
}

// plan lets this process's stages claim what is its share and recalls what is more.
func (l *Leases) plan(s *session) todo {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	do := todo{leftover: map[string]uint64{}}
	if s.lost {
		return do
	}
	l.view.prune(now)
	wanted := l.wanted()
	do.announce = len(wanted) != len(l.announced)
	for layer := range wanted {
		do.announce = do.announce || !l.announced[layer]
	}
	do.silent = l.view.silent(now-leaseSilence, l.process)
	for session := range do.silent {
		m := l.view.members[session]
		m.seen += leaseRetry // It is tried again.
		l.view.members[session] = m
	}
	for layer, stages := range l.stages {
		if l.takesPart(layer) || !wanted[layer] {
			l.planLayer(s, layer, stages, do)
		}
	}
	return do
}

// takesPart reports whether this process is known as one that wants stages of a layer.
func (l *Leases) takesPart(layer string) bool {
	return slices.Contains(l.view.membersOf(layer), l.process)
}

func (l *Leases) planLayer(s *session, layer string, stages []string, do todo) {
	now := l.now()
	members := l.view.membersOf(layer)
	if !l.alone && l.view.unsettled(layer, now) {
		return
	}
	holdings := make([]holding, len(stages))
	for i, stage := range stages {
		holdings[i] = l.holding(stage, now)
	}
	plan := planLayer(members, holdings)
	for _, hold := range holdings {
		state, ours := l.view.leases[hold.stage], hold.former == l.process
		if hold.owner != "" {
			continue
		}
		if plan.takers[hold.stage] == l.process {
			l.grant(s, hold.stage, now)
			continue
		}
		if h := l.holds[hold.stage]; h != nil {
			h.turn = turnOthers
		}
		if ours && state.session != "" {
			do.leftover[hold.stage] = state.revision
		}
	}
	l.recall(stages, plan.surplus[l.process])
}

// nobody is the owner of a stage of which a session may still believe that it is the owner.
const nobody = "?"

// holding says how a stage stands.
func (l *Leases) holding(stage string, now time.Duration) holding {
	state := l.view.leases[stage]
	process, _ := processOf(state.session)
	h := l.holds[stage]
	switch {
	case h != nil && h.place == placeClaiming:
		return holding{stage: stage, owner: l.process}
	case state.session == "":
		return holding{stage: stage}
	case process == l.process && (h == nil || h.place == placeWaiting):
		return holding{stage: stage, former: process}
	case process == l.process:
		return holding{stage: stage, owner: process}
	}
	if !l.view.holds(state.session, now) {
		return holding{stage: stage, former: process}
	}
	if _, alive := l.view.members[state.session]; !alive {
		return holding{stage: stage, owner: nobody}
	}
	return holding{stage: stage, owner: process}
}

// grant lets a stage claim its lease.
func (l *Leases) grant(s *session, stage string, now time.Duration) {
	h := l.holds[stage]
	if h == nil {
		return
	}
	h.turn = turnOurs
	revision := l.view.leases[stage].revision
	if h.place != placeWaiting || h.ending || now < h.after || h.failed != 0 && revision <= h.failed {
		return
	}
	h.place, h.failed = placeClaiming, 0
	h.grants <- grant{session: s, revision: revision}
}

// recall ends the work on so many stages, the last ones first, some at a time.
func (l *Leases) recall(stages []string, surplus int) {
	recalled := 0
	for _, h := range l.holds {
		if h.own != nil && h.own.recalled {
			recalled++
		}
	}
	for _, stage := range slices.Backward(stages) {
		h := l.holds[stage]
		if h == nil || h.own == nil {
			continue
		}
		if h.own.recalled {
			surplus--
			continue
		}
		if surplus <= 0 || recalled >= leaseMoves || h.place != placeWorking {
			continue
		}
		h.own.recalled = true
		h.own.cancel(errRecalled)
		recalled++
		surplus--
	}
}

// former returns sessions that this process had before and on which no work hangs.
func (l *Leases) former() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := map[string]uint64{}
	for session, m := range l.view.members {
		if process, _ := processOf(session); process == l.process {
			list[session] = m.revision
		}
	}
	for _, h := range l.holds {
		if h.own != nil {
			delete(list, h.own.session.id)
		}
	}
	return list
}

// apply takes in what the watch has read and reports whether there is something to plan.
func (l *Leases) apply(e leaseEntry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := l.view.apply(e, l.now())
	if process, _ := processOf(e.session()); l.fresh && process == l.process {
		l.joinAlone()
	}
	if h := l.holds[e.key]; changed && h != nil {
		l.check(h)
	}
	return changed
}

// replace puts a newly read view in the place of the present one.
func (l *Leases) replace(view *leaseView) {
	l.mu.Lock()
	defer l.mu.Unlock()
	view.succeed(l.view, l.now())
	l.view = view
	for _, h := range l.holds {
		l.check(h)
	}
}

// check ends the work on a stage whose lease is another's, whoever wrote it.
func (l *Leases) check(h *hold) {
	state := l.view.leases[h.stage]
	if h.own != nil && h.place == placeWorking && state.session != h.own.session.id && state.revision > h.own.epoch {
		h.own.lose()
	}
}

// setSession says which session the process has.
func (l *Leases) setSession(s *session, trouble error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.trouble = s, trouble
	l.bus.fence.session.Store(s)
	if errors.Is(trouble, context.Canceled) {
		l.trouble = nil
	}
}

// settle says whether this process has just started. Then it has not seen the others join, and where
// there are none it need not wait for any. After a break all come back at the same time.
func (l *Leases) settle(fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fresh = fresh; fresh {
		clear(l.view.joins)
	}
}

// joinAlone takes the layers for settled in which this process is alone.
func (l *Leases) joinAlone() {
	for layer := range l.view.joins {
		if len(l.view.membersOf(layer)) == 1 && l.takesPart(layer) {
			delete(l.view.joins, layer)
		}
	}
}

// patience returns after how long the keeper has to look again though nothing comes.
func (l *Leases) patience(current bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !current, len(l.view.joins) > 0, len(l.view.departed) > 0, l.moves.open(), l.waiting():
		return leaseRetry / 2
	case len(l.view.members) > 1:
		return leaseRenewal / 3
	default:
		return watchHeartbeat / 2
	}
}

// waiting reports whether a claim is to be tried again.
func (l *Leases) waiting() bool {
	for _, h := range l.holds {
		if h.place == placeWaiting && h.turn == turnOurs {
			return true
		}
	}
	return false
}
