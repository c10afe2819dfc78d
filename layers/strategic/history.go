package strategic

import (
	"math/bits"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How long HAL9's own performance is remembered: by minute, by hour and by day of the time of decision.
const (
	historyMinutes = 60
	historyHours   = 7 * 24
	historyDays    = 90
)

// histogram counts durations in microseconds, four buckets to a doubling: what it says is off by an eighth at most.
type histogram map[uint8]uint64

func (h histogram) add(us int64) { h[durationBucket(us)]++ }

// durationBucket returns the bucket of a duration.
func durationBucket(us int64) uint8 {
	x := uint64(max(0, us))
	if x < 4 {
		return uint8(x)
	}
	e := bits.Len64(x) - 1 // 2 or more
	return uint8(4*(e-1) + int(x>>(e-2)&3))
}

// middleOf returns the middle of a bucket, microseconds.
func middleOf(bucket uint8) int64 {
	if bucket < 4 {
		return int64(bucket)
	}
	e := int(bucket)/4 + 1
	low := uint64(4+bucket%4) << (e - 2)
	return int64(low + uint64(1)<<(e-2)/2)
}

// quantile returns the value that a share of the durations does not pass; 0 where there are none.
func (h histogram) quantile(share float64) int64 {
	var all uint64
	for _, n := range h {
		all += n
	}
	rank := uint64(share*float64(all)) + 1
	var seen uint64
	for bucket := range 256 {
		if seen += h[uint8(bucket)]; seen >= min(rank, all) && all > 0 {
			return middleOf(uint8(bucket))
		}
	}
	return 0
}

// hop is what one layer did within a time.
type hopCount struct {
	In      uint64    `json:"in"`
	Final   uint64    `json:"final"` // of these, answered; the others went up
	Wait    histogram `json:"wait,omitempty"`
	Process histogram `json:"process,omitempty"`
}

// slot is what HAL9 did within one minute, hour or day.
type slot struct {
	Number  int64                    `json:"number"` // counted from 1970
	Signals uint64                   `json:"signals"`
	Dead    uint64                   `json:"dead"`
	Total   histogram                `json:"total,omitempty"` // from receipt to verdict
	Layers  [layers.NameL5]*hopCount `json:"layers"`
	Budgets map[string]float64       `json:"budgets,omitempty"` // as last seen, by objective
	Depth   [layers.NameL5]uint64    `json:"depth"`             // the deepest queue that was seen
}

func (s *slot) see(v *layers.Verdict) {
	s.Signals++
	if v.Disposition == layers.DispositionDead {
		s.Dead++
	}
	if s.Total == nil {
		s.Total = histogram{}
	}
	s.Total.add(v.DecidedAt.Sub(v.ReceivedAt).Microseconds())
	for _, hop := range v.Hops {
		if hop.Layer < layers.NameL1 || hop.Layer > layers.NameL5 {
			continue
		}
		l := s.Layers[hop.Layer-1]
		if l == nil {
			l = &hopCount{Wait: histogram{}, Process: histogram{}}
			s.Layers[hop.Layer-1] = l
		}
		l.In++
		l.Wait.add(hop.WaitUS)
		l.Process.add(hop.ProcessUS)
		if hop.Layer == v.Layer {
			l.Final++
		}
	}
}

// track is a row of slots of one width.
type track struct {
	width int64 // milliseconds
	most  int
	slots []*slot // those with something in them, the oldest first
}

// at returns the slot of a time, nil where that is too long ago.
func (t *track) at(ms int64) *slot {
	number := floorDiv(ms, t.width)
	for i, s := range slices.Backward(t.slots) {
		if s.Number == number {
			return s
		}
		if s.Number < number {
			return t.insert(i+1, number)
		}
	}
	return t.insert(0, number)
}

func (t *track) insert(i int, number int64) *slot {
	if i == 0 && len(t.slots) >= t.most {
		return nil
	}
	s := &slot{Number: number}
	t.slots = append(t.slots, nil)
	copy(t.slots[i+1:], t.slots[i:])
	t.slots[i] = s
	newest := t.slots[len(t.slots)-1].Number
	for t.slots[0].Number <= newest-int64(t.most) {
		t.slots = t.slots[1:]
	}
	if s.Number <= newest-int64(t.most) {
		return nil
	}
	return s
}

// history is HAL9's own performance, by the clock of those who decided.
type history struct{ tracks [3]track }

func newHistory() *history {
	return &history{[3]track{
		{width: time.Minute.Milliseconds(), most: historyMinutes},
		{width: time.Hour.Milliseconds(), most: historyHours},
		{width: dayMS, most: historyDays},
	}}
}

// each visits the slots of a time.
func (h *history) each(ms int64, visit func(*slot)) {
	for i := range h.tracks {
		if s := h.tracks[i].at(ms); s != nil {
			visit(s)
		}
	}
}
