package strategic

import (
	"encoding/json"
	"fmt"
	"time"
)

// checkpointVersion changes with the meaning of the tracker's snapshot. Version 1 knew neither alerts nor anything but
// objectives over verdicts.
const checkpointVersion = 2

// checkpoint is the tracker's whole state.
type checkpoint struct {
	Version   int                   `json:"version"`
	Watermark int64                 `json:"watermark_ms"`
	Seen      bool                  `json:"seen,omitempty"`
	Windows   []objectiveCheckpoint `json:"windows"`
	Metrics   []metricCheckpoint    `json:"metrics,omitempty"`
	Trends    []*entry              `json:"trends,omitempty"` // the one quiet for longest first
	History   [3][]*slot            `json:"history"`
}

// objectiveCheckpoint is the window of one objective. What was counted belongs to the
// definition under which it was counted, so the definition is part of it; the target is not: it
// judges the counts and may change.
type objectiveCheckpoint struct {
	Name   string           `json:"name"`
	From   string           `json:"from,omitempty"`
	Window time.Duration    `json:"window_ns"`
	Total  string           `json:"total"`
	Good   string           `json:"good"`
	Time   string           `json:"time,omitempty"`
	Seen   bool             `json:"seen,omitempty"`
	Until  int64            `json:"watermark_ms"` // of the objective
	First  int64            `json:"first_ms"`
	Fine   *bucketsRecord   `json:"fine,omitempty"`
	Firing map[string]int64 `json:"firing,omitempty"` // onsets of alerts, Unix milliseconds
	bucketsRecord
}

// bucketsRecord is a row of buckets.
type bucketsRecord struct {
	Empty   bool           `json:"empty,omitempty"`
	Head    int64          `json:"head"`
	Late    uint64         `json:"late"`
	Buckets []bucketRecord `json:"buckets"` // those with a count, the oldest first
}

// metricCheckpoint is what was counted of one metric under one definition.
type metricCheckpoint struct {
	Mark   string   `json:"mark"`
	Series []Series `json:"series"`
}

// bucketRecord is one bucket: how many buckets before the newest, good, total.
type bucketRecord [3]uint64

// Snapshot returns the whole state: JSON, the same bytes for the same state.
func (t *Tracker) Snapshot() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := checkpoint{Version: checkpointVersion, Watermark: t.watermark, Seen: t.seen}
	for _, s := range t.slos {
		c.Windows = append(c.Windows, s.checkpoint())
	}
	for _, m := range t.meters {
		c.Metrics = append(c.Metrics, metricCheckpoint{Mark: m.mark, Series: m.report().Series})
	}
	for element := t.book.order.Front(); element != nil; element = element.Next() {
		c.Trends = append(c.Trends, element.Value.(*entry))
	}
	for i := range t.history.tracks {
		c.History[i] = t.history.tracks[i].slots
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("strategic: snapshot of objectives: %w", err)
	}
	return data, nil
}

func (s *slo) checkpoint() objectiveCheckpoint {
	fine := s.fine.record()
	c := objectiveCheckpoint{
		Name: s.Name, From: s.From, Window: s.Window, Total: s.Total, Good: s.Good,
		Time: s.Time, Seen: s.seen, Until: s.watermark, First: s.first, Fine: &fine, bucketsRecord: s.window.record(),
	}
	for i, rule := range burnRules() {
		if s.alarms[i].firing {
			if c.Firing == nil {
				c.Firing = map[string]int64{}
			}
			c.Firing[rule.name] = s.alarms[i].onset
		}
	}
	return c
}

func (w *window) record() bucketsRecord {
	r := bucketsRecord{Empty: w.empty, Head: w.head, Late: w.late, Buckets: []bucketRecord{}}
	for i := range w.buckets {
		age := len(w.buckets) - 1 - i
		if b := w.at(w.head - int64(age)); b.Total > 0 {
			r.Buckets = append(r.Buckets, bucketRecord{uint64(age), b.Good, b.Total})
		}
	}
	return r
}

// Restore takes over a snapshot. An objective or metric that is new, or defined otherwise than it was,
// starts empty; one that is gone is dropped. On an error the state stays as it is.
func (t *Tracker) Restore(data []byte) error {
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("strategic: restore of objectives: %w", err)
	}
	if c.Version < 1 || c.Version > checkpointVersion {
		return fmt.Errorf("strategic: restore of objectives: snapshot has version %d: want 1 to %d", c.Version, checkpointVersion)
	}
	if c.Watermark < earliest || c.Watermark > latest {
		return fmt.Errorf("strategic: restore of objectives: watermark %d is no time", c.Watermark)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slos := make([]*slo, len(t.slos))
	for i, s := range t.slos {
		slos[i] = newSLO(s.Objective)
		if err := slos[i].restore(&c); err != nil {
			return err
		}
	}
	meters, err := t.restoreMeters(c.Metrics)
	if err != nil {
		return err
	}
	book, err := restoreBook(t.series, c.Trends)
	if err != nil {
		return err
	}
	history, err := restoreHistory(c.History)
	if err != nil {
		return err
	}
	t.slos, t.meters, t.book, t.history, t.watermark, t.seen = slos, meters, book, history, c.Watermark, c.Seen
	return nil
}
