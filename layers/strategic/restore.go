package strategic

import (
	"errors"
	"fmt"
)

// restore fills an empty objective from what was saved under the same definition.
func (s *slo) restore(c *checkpoint) error {
	if !s.byDecision() {
		s.watermark, s.first, s.seen = c.Watermark, c.Watermark, c.Seen
	}
	for i := range c.Windows {
		o := &c.Windows[i]
		from := Objective{From: o.From}
		if o.Name != s.Name || from.from() != s.from() || o.Window != s.Window || o.Total != s.Total || o.Good != s.Good ||
			c.Version == 1 && s.Window < firstWhole || c.Version > 1 && o.Time != s.Time || o.Until < earliest || o.Until > latest {
			continue
		}
		if err := o.fill(s.window); err != nil {
			return fmt.Errorf("strategic: restore of objective %q: %w", o.Name, err)
		}
		if o.Fine == nil { // version 1
			s.watermark, s.first, s.seen = c.Watermark, c.Watermark, c.Seen
			return nil
		}
		s.watermark, s.first, s.seen = o.Until, o.First, o.Seen
		if err := o.Fine.fill(s.fine); err != nil {
			return fmt.Errorf("strategic: restore of objective %q: %w", o.Name, err)
		}
		for i, rule := range burnRules() {
			s.alarms[i].onset, s.alarms[i].firing = o.Firing[rule.name], false
			_, s.alarms[i].firing = o.Firing[rule.name]
		}
	}
	return nil
}

// firstWhole is the window from which on version 1 divided as today.
const firstWhole = windowParts * 60 * 1e9

// fill puts what was saved into an empty window.
func (r *bucketsRecord) fill(w *window) error {
	if r.Head < w.number(earliest) || r.Head > w.number(latest) || r.Empty && (r.Head != 0 || len(r.Buckets) > 0) {
		return fmt.Errorf("newest bucket %d is impossible", r.Head)
	}
	w.empty, w.head, w.late = r.Empty, r.Head, r.Late
	for _, record := range r.Buckets {
		age, good, total := record[0], record[1], record[2]
		if age >= uint64(len(w.buckets)) || good > total {
			return fmt.Errorf("bucket %v is impossible in a window of %d buckets", record, len(w.buckets))
		}
		if w.at(w.head-int64(age)).Total > 0 {
			return fmt.Errorf("bucket %d comes twice", age)
		}
		w.restore(int64(age), count{Good: good, Total: total})
	}
	return nil
}

func (t *Tracker) restoreMeters(saved []metricCheckpoint) ([]*meter, error) {
	meters := make([]*meter, len(t.meters))
	for i, old := range t.meters {
		meters[i] = newMeter(&old.metric)
		for _, s := range saved {
			if s.Mark != old.mark {
				continue
			}
			if err := meters[i].restore(s.Series); err != nil {
				return nil, fmt.Errorf("strategic: restore of metric %q: %w", old.metric.Name, err)
			}
		}
	}
	return meters, nil
}

func restoreBook(limit int, saved []*entry) (*daybook, error) {
	book := newDaybook(limit)
	for _, e := range saved {
		if e == nil {
			return nil, errors.New("strategic: restore of trends: one is null")
		}
		_, twice := book.byKey[[2]string{e.Key, e.Of}]
		if twice || len(e.N) != len(e.Sum) || len(e.N) > bookDays || e.Newest > maxDay || e.Newest < -maxDay || e.First > e.Newest || e.First < -maxDay {
			return nil, fmt.Errorf("strategic: restore of trends: that of %q is impossible", e.Key)
		}
		book.put(e)
	}
	return book, nil
}

func restoreHistory(saved [3][]*slot) (*history, error) {
	h := newHistory()
	for i := range h.tracks {
		t := &h.tracks[i]
		for j, s := range saved[i] {
			if s == nil || len(saved[i]) > t.most || j > 0 && s.Number <= saved[i][j-1].Number {
				return nil, fmt.Errorf("strategic: restore of the history: slot %d is impossible", j)
			}
			for _, l := range s.Layers {
				if l != nil && l.Wait == nil {
					l.Wait = histogram{}
				}
				if l != nil && l.Process == nil {
					l.Process = histogram{}
				}
			}
			t.slots = append(t.slots, s)
		}
	}
	return h, nil
}
