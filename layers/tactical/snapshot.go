package tactical

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// snapshotVersion changes with the meaning of the snapshot. Of version 1 the memory is a list of remembered situations.
const snapshotVersion = 2

// snapshot is what no item tells of the layer's state.
type snapshot struct {
	Version int             `json:"version"`
	Clock   uint64          `json:"clock"`
	Memory  json.RawMessage `json:"memory"` // []*version, the oldest first
}

// record is what an item tells: a situation as it is, and as it was at the snapshot before where it has changed since. An item
// that is ahead of the snapshot that a life begins with tells by that what it was then.
type record struct {
	version

	Before *version `json:"before,omitempty"`
}

// Changed implements layers.Archiver: an item for each situation.
func (l *Layer) Changed() []layers.Item {
	m := l.memory
	if len(m.fresh) == 0 {
		return nil
	}
	var items []layers.Item
	for _, v := range m.untold() {
		data, err := json.Marshal(record{version: *v, Before: m.base[v.Now.ID]})
		if err != nil {
			continue // It stays among what the snapshot holds, whose error says so.
		}
		items = append(items, layers.Item{Name: itemName(v.Now.ID), Data: data})
		delete(m.fresh, v.Now.ID)
	}
	return items
}

// itemName names the item of a situation.
func itemName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:12])
}

// Snapshot implements layers.Keeper: JSON, the same bytes for the same state and the same items.
func (l *Layer) Snapshot() ([]byte, error) {
	memory, err := json.Marshal(l.memory.untold())
	if err == nil {
		memory, err = json.Marshal(snapshot{Version: snapshotVersion, Clock: l.memory.clock, Memory: memory})
	}
	if err != nil {
		return nil, fmt.Errorf("tactical: snapshot: %w", err)
	}
	clear(l.memory.base)
	return memory, nil
}

// Restore implements layers.Keeper. Where the memory has become smaller since the snapshot, the oldest are forgotten. On an
// error the state stays as it is.
func (l *Layer) Restore(data []byte) error {
	versions, clock, err := readSnapshot(data)
	if err != nil {
		return fmt.Errorf("tactical: restore: %w", err)
	}
	l.memory = l.rebuild(versions, clock)
	for _, v := range l.memory.items {
		l.memory.fresh[v.Now.ID] = struct{}{}
	}
	return nil
}

func readSnapshot(data []byte) (versions []*version, clock uint64, err error) {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, 0, err
	}
	switch s.Version {
	case 1:
		var list []*remembered
		if err := json.Unmarshal(s.Memory, &list); err != nil {
			return nil, 0, err
		}
		for i, r := range list {
			versions = append(versions, &version{Clock: uint64(i) + 1, Number: uint64(i), Now: r})
		}
		s.Clock = uint64(len(list))
	case snapshotVersion:
		if err := json.Unmarshal(s.Memory, &versions); err != nil {
			return nil, 0, err
		}
	default:
		return nil, 0, fmt.Errorf("snapshot has version %d: want %d", s.Version, snapshotVersion)
	}
	for _, v := range versions {
		if v == nil || v.Now == nil {
			return nil, 0, errors.New("snapshot holds an empty situation")
		}
	}
	return versions, s.Clock, nil
}

// Recover implements layers.Archiver.
func (l *Layer) Recover(stored iter.Seq[layers.Item]) error {
	told, clock := map[string]*version{}, l.memory.clock
	for item := range stored {
		var r record
		if err := json.Unmarshal(item.Data, &r); err != nil || r.Now == nil {
			return fmt.Errorf("tactical: recover: item %s is no situation: %w", item.Name, errors.Join(err, errEmpty))
		}
		v := &r.version
		if v.Clock > clock {
			v = r.Before
		}
		if v != nil && v.Now != nil && v.Clock <= clock {
			told[v.Now.ID] = v
		}
	}
	if len(told) == 0 {
		return nil
	}
	fresh := l.memory.untold()
	for _, v := range fresh {
		told[v.Now.ID] = v
	}
	versions := make([]*version, 0, len(told))
	for _, v := range told {
		versions = append(versions, v)
	}
	l.memory = l.rebuild(versions, clock)
	for _, v := range fresh {
		l.memory.fresh[v.Now.ID] = struct{}{}
	}
	return nil
}

var errEmpty = errors.New("nothing is in it")

// rebuild makes a memory of versions: of each situation the one with the highest number, of all the last ones that it has room for.
func (l *Layer) rebuild(versions []*version, clock uint64) *memory {
	slices.SortFunc(versions, compareVersions)
	last := map[string]*version{}
	for _, v := range versions {
		last[v.Now.ID] = v
	}
	versions = slices.DeleteFunc(versions, func(v *version) bool { return last[v.Now.ID] != v })
	m := l.emptyMemory()
	for _, v := range versions[max(0, len(versions)-m.limit):] {
		if v.Number >= m.next { // Two of one number are of two memories.
			m.put(v)
		}
	}
	m.clock = clock
	clear(m.base)
	return m
}
