package strategic

import (
	"encoding/json"
	"fmt"
)

// snapshotVersion changes with the meaning of the layer's snapshot.
const snapshotVersion = 1

// maxDay is a day further from 1970 than any time.
const maxDay = 1 << 50

// snapshot is the layer's whole state.
type snapshot struct {
	Version int     `json:"version"`
	Trends  []trend `json:"trends"` // the one reviewed longest ago first
}

// Snapshot implements layers.Keeper: JSON, the same bytes for the same state.
func (l *Layer) Snapshot() ([]byte, error) {
	s := snapshot{Version: snapshotVersion, Trends: make([]trend, 0, l.trends.order.Len())}
	for element := l.trends.order.Front(); element != nil; element = element.Next() {
		s.Trends = append(s.Trends, *element.Value.(*trend))
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("strategic: snapshot: %w", err)
	}
	return data, nil
}

// Restore implements layers.Keeper. Where the configuration keeps fewer keys or days than it
// did, the oldest are forgotten. On an error the state stays as it is.
func (l *Layer) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("strategic: restore: %w", err)
	}
	if s.Version != snapshotVersion {
		return fmt.Errorf("strategic: restore: snapshot has version %d: want %d", s.Version, snapshotVersion)
	}
	restored := newTrends(l.cfg.MaxKeys, l.cfg.TrendDays)
	for _, saved := range s.Trends {
		if _, twice := restored.byKey[saved.Key]; twice || saved.Newest > maxDay || saved.Newest < -maxDay {
			return fmt.Errorf("strategic: restore: the trend of %q on day %d is impossible", saved.Key, saved.Newest)
		}
		counts := make([]int, l.cfg.TrendDays)
		copy(counts, saved.Counts)
		saved.Counts = counts
		restored.add(&saved)
	}
	l.trends = restored
	return nil
}
