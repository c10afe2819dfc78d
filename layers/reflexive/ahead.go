package reflexive

import "github.com/2lab-ai/hal9/layers"

// ahead is what a scout knows of the alerts in its range, in the order in which they stand there. L1, which comes to the same signals later,
// must not learn from it what has not happened yet: the scout's own board begins with what L1 knows when the scout sees a
// condition first, and nobody hears of it.

// ahead returns a board that knows of conditions what this one does, and goes on by itself.
func (b *Board) ahead(entries int) *Board {
	a := &Board{
		behind: b, window: b.window, flaps: b.flaps, conditions: newRecent[condition](entries), sources: map[digest]map[digest]struct{}{},
	}
	a.conditions.dropped = a.forget
	return a
}

// copied returns what the board knows of a condition.
func (b *Board) copied(key digest) (c condition, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.conditions.get(key); known != nil {
		return *known, true
	}
	return c, false
}

// ackOf returns who acknowledged a condition.
func (b *Board) ackOf(key digest) (Ack, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.acks[key]
	return a, ok
}

// Begin forgets what a scout saw in the range before.
func (l *Layer) Begin() {
	if l.board.behind != nil {
		l.board = l.board.behind.ahead(l.cfg.DedupEntries)
	}
}

// Sees has a scout take in a signal that L1 answers for, since it may tell that an alert of the scout's is over. It reports whether
// the signal states a condition: then others that come the same way may tell more of it.
func (l *Layer) Sees(e *layers.Envelope) bool {
	_, ok := isAlert(&e.Signal)
	if ok && e.Severity < layers.SeverityCritical {
		l.note(e)
	}
	return ok
}

// Passes has L1 take in an alert that the scout answers for, in its turn, so that L1 knows what was let through.
func (l *Layer) Passes(e *layers.Envelope) {
	if _, ok := isAlert(&e.Signal); !ok {
		return
	}
	key := l.hash.identity(e.Source, e.ID)
	if seen := l.identities.get(key); seen != nil && !seen.remembered && seen.origin == e.Origin {
		return
	}
	d := l.note(e)
	l.identities.put(key, identity{origin: e.Origin, at: e.ReceivedAt.UnixMicro(), decision: d})
}

// note takes in what an alert says of its condition. It counts where it is decided.
func (l *Layer) note(e *layers.Envelope) *layers.Decision {
	p := l.board.rules()
	firing, _ := isAlert(&e.Signal)
	return l.decideAlert(p, l.answer(p, &e.Signal), e, firing)
}
