package nearest

import "slices"

// level is one level of the graph: every vector on it is linked with some of those that are near. Links go both ways.
type level struct {
	most  int      // links of one vector
	slots []uint32 // on the upper levels, by id: where its links lie; the lowest has all ids
	ids   []uint32 // on the upper levels, by slot: whose links lie there; nobody where it is free
	spare []uint32 // free slots
	links []Hit    // most of each slot
	count []uint8  // of each slot
}

// admit puts an id on the level.
func (l *level) admit(id uint32) {
	for int(id) >= len(l.slots) {
		l.slots = append(l.slots, nobody)
	}
	slot := uint32(len(l.ids))
	if last := len(l.spare) - 1; last >= 0 {
		slot, l.spare = l.spare[last], l.spare[:last]
	} else {
		l.ids, l.count = append(l.ids, nobody), append(l.count, 0)
		l.links = append(l.links, make([]Hit, l.most)...)
	}
	l.slots[id], l.ids[slot], l.count[slot] = slot, id, 0
}

// dismiss takes an id without links off the level.
func (l *level) dismiss(id uint32) {
	slot := l.slots[id]
	l.slots[id], l.ids[slot] = nobody, nobody
	l.spare = append(l.spare, slot)
}

// anyone returns the id that has been on the level's first used slot, nobody where the level is empty.
func (l *level) anyone() uint32 {
	for _, id := range l.ids {
		if id != nobody {
			return id
		}
	}
	return nobody
}

// of returns the links of an id.
func (l *level) of(id uint32) []Hit {
	slot := int(l.slots[id])
	return l.links[slot*l.most : slot*l.most+int(l.count[slot])]
}

// has returns how many links an id has.
func (l *level) has(id uint32) int { return int(l.count[l.slots[id]]) }

func (l *level) isFull(id uint32) bool { return l.has(id) == l.most }

func (l *level) isLinked(a, b uint32) bool {
	return slices.ContainsFunc(l.of(a), func(h Hit) bool { return h.ID == b })
}

// link links two that both have room.
func (l *level) link(a, b uint32, similarity float32) {
	l.put(a, Hit{b, similarity})
	l.put(b, Hit{a, similarity})
}

func (l *level) put(id uint32, h Hit) {
	slot := int(l.slots[id])
	l.links[slot*l.most+int(l.count[slot])] = h
	l.count[slot]++
}

// unlink ends the link of two.
func (l *level) unlink(a, b uint32) {
	l.drop(a, b)
	l.drop(b, a)
}

func (l *level) drop(id, other uint32) {
	links := l.of(id)
	at := slices.IndexFunc(links, func(h Hit) bool { return h.ID == other })
	if at < 0 {
		return
	}
	last := len(links) - 1
	links[at] = links[last]
	l.count[l.slots[id]]--
}
