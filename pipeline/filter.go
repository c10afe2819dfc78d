package pipeline

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// filter leaves out signals that a stage has had before: copies that a sender stored again because it
// did not know that they were stored, or that an earlier owner of the sender's partition stored late.
// It belongs to the stage's state, and so a replay leaves out the same.
//
// Senders above L1 are alone in their partition and store in the order of their own stream. One mark
// for each is enough, and it lasts for ever. The processes of L1 share a stream, in no order; their
// signals are told by identity, among the last ones.
type filter struct {
	marks map[Sender]Position // Born is in the value's place of the key: a stream made anew has a mark of its own
	ids   *recentIDs          // nil above L2
}

func newFilter(key StageKey) *filter {
	f := &filter{marks: map[Sender]Position{}}
	if key.Layer == layers.NameL2 {
		f.ids = newRecentIDs(max(idsMost/max(1, key.Partitions), idsLeast))
	}
	return f
}

// fresh reports whether the signal is new, and remembers it.
func (f *filter) fresh(from Sender, at Position, who *identity, seq uint64) bool {
	switch from.Layer {
	case 0: // An operator put it there.
		return true
	case layers.NameL1:
		return f.ids == nil || f.ids.add(binary.BigEndian.Uint64(who[:idBytes]), seq)
	}
	mark, known := f.marks[from]
	if known && !at.After(mark) {
		return false
	}
	if !known {
		f.forgetElder(from)
	}
	f.marks[from] = at
	return true
}

// forgetElder drops the mark in a stream of the same name that is no more.
func (f *filter) forgetElder(from Sender) {
	for other := range f.marks {
		if other.Layer == from.Layer && other.Partition == from.Partition && other.Born < from.Born {
			delete(f.marks, other)
		}
	}
}

// stateVersion is the first byte of a stage's state.
const stateVersion = 1

// snapshot writes the marks, and from which message on the identities can be read again, in front of the
// worker's own state.
func (f *filter) snapshot(state []byte) []byte {
	buf := make([]byte, 0, len(state)+32+32*len(f.marks))
	buf = append(buf, stateVersion)
	buf = binary.AppendUvarint(buf, f.ids.first())
	buf = binary.AppendUvarint(buf, uint64(len(f.marks)))
	senders := make([]Sender, 0, len(f.marks))
	for sender := range f.marks {
		senders = append(senders, sender)
	}
	slices.SortFunc(senders, compareSenders)
	for _, s := range senders {
		buf = append(buf, byte(s.Layer))
		buf = binary.AppendUvarint(buf, uint64(s.Partition-PartitionCritical))
		buf = binary.AppendVarint(buf, s.Born)
		buf = binary.AppendUvarint(buf, f.marks[s].Seq)
		buf = binary.AppendUvarint(buf, uint64(f.marks[s].Index))
	}
	return append(buf, state...)
}

func compareSenders(a, b Sender) int {
	return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Born, b.Born))
}

// restore reads what snapshot wrote and returns the worker's state, and from which message on the identities
// must be read again (0 where from none).
func (f *filter) restore(data []byte) (state []byte, from uint64, err error) {
	if len(data) == 0 || data[0] != stateVersion {
		return nil, 0, fmt.Errorf("pipeline: the state has another version than %d, which this build reads", stateVersion)
	}
	r := reader{rest: data[1:]}
	from = r.uvarint()
	for range r.count(5) {
		s := Sender{Layer: layers.Name(r.byte()), Partition: int(r.uvarint()) + PartitionCritical, Born: r.varint()}
		f.marks[s] = Position{Seq: r.uvarint(), Index: uint32(r.uvarint())}
	}
	if r.err != nil {
		return nil, 0, fmt.Errorf("pipeline: state of a stage: %w", r.err)
	}
	return r.rest, from, nil
}
