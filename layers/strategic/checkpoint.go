package strategic

import (
	"encoding/json"
	"fmt"
	"time"
)

// checkpointVersion changes with the meaning of the tracker's snapshot.
const checkpointVersion = 1

// checkpoint is the tracker's whole state.
type checkpoint struct {
	Version   int                   `json:"version"`
	Watermark int64                 `json:"watermark_ms"`
	Seen      bool                  `json:"seen,omitempty"`
	Windows   []objectiveCheckpoint `json:"windows"`
}

// objectiveCheckpoint is the window of one objective. What was counted belongs to the
// definition under which it was counted, so the definition is part of it; the target is not: it
// judges the counts and may change.
type objectiveCheckpoint struct {
	Name    string         `json:"name"`
	Window  time.Duration  `json:"window_ns"`
	Total   string         `json:"total"`
	Good    string         `json:"good"`
	Empty   bool           `json:"empty,omitempty"`
	Head    int64          `json:"head"`
	Late    uint64         `json:"late"`
	Buckets []bucketRecord `json:"buckets"` // those with a count, the oldest first
}

// bucketRecord is one bucket: how many buckets before the newest, good, total.
type bucketRecord [3]uint64

// Snapshot returns the whole state: JSON, the same bytes for the same state.
func (t *Tracker) Snapshot() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := checkpoint{Version: checkpointVersion, Watermark: t.watermark, Seen: t.seen}
	for i, m := range t.measures {
		w := t.windows[i]
		o := objectiveCheckpoint{
			Name: m.Name, Window: m.Window, Total: m.Total, Good: m.Good,
			Empty: w.empty, Head: w.head, Late: w.late, Buckets: []bucketRecord{},
		}
		for i := range w.buckets {
			age := len(w.buckets) - 1 - i
			if b := w.at(w.head - int64(age)); b.Total > 0 {
				o.Buckets = append(o.Buckets, bucketRecord{uint64(age), b.Good, b.Total})
			}
		}
		c.Windows = append(c.Windows, o)
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("strategic: snapshot of objectives: %w", err)
	}
	return data, nil
}

// Restore takes over a snapshot. An objective that is new, or defined otherwise than it was,
// starts empty; one that is gone is dropped. On an error the state stays as it is.
func (t *Tracker) Restore(data []byte) error {
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("strategic: restore of objectives: %w", err)
	}
	if c.Version != checkpointVersion {
		return fmt.Errorf("strategic: restore of objectives: snapshot has version %d: want %d", c.Version, checkpointVersion)
	}
	if c.Watermark < earliest || c.Watermark > latest {
		return fmt.Errorf("strategic: restore of objectives: watermark %d is no time", c.Watermark)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	windows := t.emptyWindows()
	for _, o := range c.Windows {
		for i, m := range t.measures {
			if o.Name != m.Name || o.Window != m.Window || o.Total != m.Total || o.Good != m.Good {
				continue
			}
			if err := o.fill(windows[i]); err != nil {
				return fmt.Errorf("strategic: restore of objective %q: %w", o.Name, err)
			}
		}
	}
	t.windows, t.watermark, t.seen = windows, c.Watermark, c.Seen
	return nil
}

// fill puts what was saved into an empty window.
func (o *objectiveCheckpoint) fill(w *window) error {
	if o.Head < w.number(earliest) || o.Head > w.number(latest) || o.Empty && (o.Head != 0 || len(o.Buckets) > 0) {
		return fmt.Errorf("newest bucket %d is impossible", o.Head)
	}
	w.empty, w.head, w.late = o.Empty, o.Head, o.Late
	for _, record := range o.Buckets {
		age, good, total := record[0], record[1], record[2]
		if age >= uint64(len(w.buckets)) || good > total {
			return fmt.Errorf("bucket %v is impossible in a window of %d buckets", record, len(w.buckets))
		}
		bucket := w.at(w.head - int64(age))
		if bucket.Total > 0 {
			return fmt.Errorf("bucket %d comes twice", age)
		}
		*bucket = count{Good: good, Total: total}
		w.sum.Good += good
		w.sum.Total += total
	}
	return nil
}
