package strategic

import (
	"container/list"
	"slices"
)

// Bounds of what is kept per key.
const (
	maxKeyBytes = 128
	maxIDBytes  = 64
	maxSeen     = 4
)

// trend counts the situations on one key per day of event time.
type trend struct {
	Key    string   `json:"key"`
	Newest int64    `json:"newest"` // day, counted from 1970
	Counts []int    `json:"counts"` // of the newest day and those before it
	Seen   []string `json:"seen"`   // the situations counted last: each counts once, however often it worsens
}

// trends keeps the trend of the keys reviewed last, at most limit.
type trends struct {
	limit, days int
	order       *list.List // of *trend, the one reviewed longest ago first
	byKey       map[string]*list.Element
}

func newTrends(limit, days int) *trends {
	return &trends{limit: limit, days: days, order: list.New(), byKey: map[string]*list.Element{}}
}

// count counts the situation on the key and returns which one it is within the days that end
// at its own. It returns 0 where that is too long before the key's newest day to say.
func (t *trends) count(key, id string, day int64) int {
	tr := t.touch(clip(key, maxKeyBytes), day)
	tr.advance(day)
	age := tr.Newest - day
	if age >= int64(t.days) {
		return 0
	}
	if id = clip(id, maxIDBytes); !slices.Contains(tr.Seen, id) {
		tr.Counts[age]++
		tr.Seen = append(tr.Seen, id)
		tr.Seen = tr.Seen[max(0, len(tr.Seen)-maxSeen):]
	}
	n := 0
	for _, of := range tr.Counts[age:] {
		n += of
	}
	return n
}

// touch returns the trend of the key, new where there is none, as the one reviewed last.
func (t *trends) touch(key string, day int64) *trend {
	if element, ok := t.byKey[key]; ok {
		t.order.MoveToBack(element)
		return element.Value.(*trend)
	}
	tr := &trend{Key: key, Newest: day, Counts: make([]int, t.days)}
	t.add(tr)
	return tr
}

// add appends the trend of a key that has none; the one reviewed longest ago makes room.
func (t *trends) add(tr *trend) {
	if t.order.Len() >= t.limit {
		oldest := t.order.Remove(t.order.Front()).(*trend)
		delete(t.byKey, oldest.Key)
	}
	t.byKey[tr.Key] = t.order.PushBack(tr)
}

// advance makes day the newest, where it is newer.
func (tr *trend) advance(day int64) {
	by := day - tr.Newest
	if by <= 0 {
		return
	}
	n := int(min(by, int64(len(tr.Counts))))
	copy(tr.Counts[n:], tr.Counts)
	clear(tr.Counts[:n])
	tr.Newest = day
}
