package tactical

import (
	"encoding/json"
	"errors"
	"fmt"
)

// snapshotVersion changes with the meaning of the snapshot.
const snapshotVersion = 1

// snapshot is the layer's whole state.
type snapshot struct {
	Version int           `json:"version"`
	Memory  []*remembered `json:"memory"` // the oldest first
}

// Snapshot implements layers.Keeper: JSON, the same bytes for the same state.
func (l *Layer) Snapshot() ([]byte, error) {
	data, err := json.Marshal(snapshot{Version: snapshotVersion, Memory: l.memory.all()})
	if err != nil {
		return nil, fmt.Errorf("tactical: snapshot: %w", err)
	}
	return data, nil
}

// Restore implements layers.Keeper. Where the memory has become smaller since the snapshot,
// the oldest are forgotten. On an error the state stays as it is.
func (l *Layer) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("tactical: restore: %w", err)
	}
	if s.Version != snapshotVersion {
		return fmt.Errorf("tactical: restore: snapshot has version %d: want %d", s.Version, snapshotVersion)
	}
	restored := l.emptyMemory()
	for _, r := range s.Memory {
		if r == nil {
			return errors.New("tactical: restore: snapshot holds an empty situation")
		}
		restored.remember(r)
	}
	l.memory = restored
	return nil
}
