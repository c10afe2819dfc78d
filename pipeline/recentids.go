package pipeline

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// What is remembered of the identities of signals from L1.
const (
	idBytes  = 8       // of each identity: among a million, two are alike once in 30 million times
	idsMost  = 1 << 18 // signals, over all partitions of a process that owns them all
	idsLeast = 1 << 14 // signals, in one partition
)

// recentIDs are the identities of the last signals that L1 sent to a partition of L2. They can be read
// again from the heads of the packs in the partition's stream, and so are no part of a checkpoint.
type recentIDs struct {
	known map[uint64]struct{}
	ring  []recentID
	next  int // where the ring goes on once it is full
	limit int
}

// recentID is an identity and the message that brought it.
type recentID struct{ id, seq uint64 }

func newRecentIDs(limit int) *recentIDs {
	return &recentIDs{known: map[uint64]struct{}{}, limit: limit}
}

// add reports whether the identity is new among the remembered ones.
func (r *recentIDs) add(id, seq uint64) bool {
	if _, known := r.known[id]; known {
		return false
	}
	r.known[id] = struct{}{}
	if len(r.ring) < r.limit {
		r.ring = append(r.ring, recentID{id, seq})
		return true
	}
	delete(r.known, r.ring[r.next].id)
	r.ring[r.next] = recentID{id, seq}
	r.next = (r.next + 1) % r.limit
	return true
}

// first returns the message of the oldest identity, 0 where there is none.
func (r *recentIDs) first() uint64 {
	if r == nil || len(r.ring) == 0 {
		return 0
	}
	return r.ring[r.next].seq
}

// list returns what is remembered, the oldest first.
func (r *recentIDs) list() []recentID {
	if r == nil {
		return nil
	}
	return append(slices.Clone(r.ring[r.next:]), r.ring[:r.next]...)
}

// readHead adds the identities that the head of a pack names.
func (r *recentIDs) readHead(d *Delivery) {
	for _, id := range IdentitiesIn(d.Header) {
		r.add(binary.BigEndian.Uint64([]byte(id)), d.Seq)
	}
}

// IdentitiesIn returns the identities of a pack's signals that its headers name, idBytes each; none where
// the pack is not from L1.
func IdentitiesIn(header map[string][]string) []string {
	values := header[HeaderIDs]
	if len(values) == 0 {
		return nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(values[0])
	if err != nil {
		return nil // A sender's own header of that name.
	}
	ids := make([]string, 0, len(raw)/idBytes)
	for ; len(raw) >= idBytes; raw = raw[idBytes:] {
		ids = append(ids, string(raw[:idBytes]))
	}
	return ids
}
