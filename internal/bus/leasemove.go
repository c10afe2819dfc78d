package bus

import (
	"context"
	"log/slog"
	"time"
)

// moves counts changes of ownership that were not logged yet. It is guarded by Leases.mu.
type moves struct {
	gained, returned, lost int
	seen                   int           // their sum when they were last looked at
	since                  time.Duration // when it last changed
}

// count takes in the end of an ownership.
func (m *moves) count(own *ownership) {
	if own.lost {
		m.lost++
	} else {
		m.returned++
	}
}

func (m *moves) open() bool { return m.gained+m.returned+m.lost > 0 }

// report logs changes of ownership, many in one line: once none has come for a moment, or at the end.
func (l *Leases) report(ctx context.Context, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &l.moves
	now := l.now()
	if sum := m.gained + m.returned + m.lost; sum != m.seen {
		m.seen, m.since = sum, now
	}
	if !m.open() || !last && now-m.since < leaseSettle {
		return
	}
	owned := 0
	for _, h := range l.holds {
		if h.place == placeWorking {
			owned++
		}
	}
	members := map[string]bool{}
	for session := range l.view.members {
		process, _ := processOf(session)
		members[process] = true
	}
	level := slog.LevelInfo
	if l.alone {
		level = slog.LevelDebug // All are its own, always.
	}
	l.log.Log(ctx, level, "partitions moved", "owner", l.owner, "owned", owned,
		"gained", m.gained, "given_back", m.returned, "lost", m.lost, "processes", len(members))
	l.moves = moves{}
}
