package implementation

import "time"

const (
	pulseSlots   = 4096
	pulseKnown   = 3       // minutes in which a key was heard before its pulse counts
	pulseIdle    = 60      // minutes after which another key may take the slot,
	pulseBack    = 24 * 60 // or minutes that the time went back
	pulseSeconds = 60
)

// pulse lets one routine signal a minute of event time and key pass, so that L3, which is to notice when a key falls silent or has much
// more to say than usual, hears that it is alive and how many there were. It knows 4,096 keys; those for which there is no slot have none. A key that is heard once or twice has none either.
type pulse struct{ slots [pulseSlots]pulseSlot }

type pulseSlot struct {
	hash   uint64
	minute int64
	known  uint64 // minutes in which it was heard
	since  uint64 // signals since the last that was let pass, that one included
}

// beats reports whether the key's signal is the first of its minute, and how many there were a minute since the last that was.
func (p *pulse) beats(source, key string, at time.Time) (perMinute float64, ok bool) {
	hash := hashBytes([]byte(source)) ^ hashBytes([]byte(key))*0x9e3779b97f4a7c15
	minute := at.Unix() / pulseSeconds
	s := &p.slots[hash%pulseSlots]
	switch {
	case s.known == 0, s.hash != hash && (minute > s.minute+pulseIdle || minute < s.minute-pulseBack):
		*s = pulseSlot{hash: hash, minute: minute, known: 1, since: 1}
		return 0, false
	case s.hash != hash:
		return 0, false
	case minute <= s.minute && minute >= s.minute-pulseBack:
		if minute >= s.minute-1 { // What is older is replayed.
			s.since++
		}
		return 0, false
	}
	perMinute = float64(s.since) / float64(max(1, minute-s.minute))
	s.minute, s.since = minute, 1
	s.known++
	return perMinute, s.known > pulseKnown
}

// pulseSnapshot is a slot in use.
type pulseSnapshot struct {
	Slot   int    `json:"s"`
	Hash   uint64 `json:"h"`
	Minute int64  `json:"m"`
	Known  uint64 `json:"k"`
	Since  uint64 `json:"n,omitempty"`
}

func (p *pulse) snapshot() []pulseSnapshot {
	var used []pulseSnapshot
	for i, s := range p.slots {
		if s.known > 0 {
			used = append(used, pulseSnapshot{i, s.hash, s.minute, s.known, s.since})
		}
	}
	return used
}

func (p *pulse) restore(used []pulseSnapshot) bool {
	for _, s := range used {
		if s.Slot < 0 || s.Slot >= pulseSlots || s.Known == 0 {
			return false
		}
		p.slots[s.Slot] = pulseSlot{s.Hash, s.Minute, s.Known, s.Since}
	}
	return true
}
