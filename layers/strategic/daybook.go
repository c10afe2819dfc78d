package strategic

import (
	"container/list"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// bookDays is over how many days trends are kept.
const bookDays = 60

const dayMS = 24 * 60 * 60 * 1000

// What a trend is about.
const (
	TrendSignals = "signals" // of the key, a day
	TrendUnusual = "unusual" // of these, those that L3 to L5 decided or that died
	TrendValue   = "value"   // the mean of the values that a source and type measured of the key
)

// entry is what is kept of one series by day: of a key's signals, or of the values of a source and type of it.
type entry struct {
	Key    string    `json:"key"`
	Of     string    `json:"of,omitempty"` // source and type; empty for signals
	Newest int64     `json:"newest"`       // day, counted from 1970
	First  int64     `json:"first"`        // the first day of all
	N      []uint32  `json:"n"`            // of the newest day and those before it
	Sum    []float64 `json:"sum"`          // of values, or of unusual ones

	late  int   // signals of finished days
	found found // what changes found last
}

// found are the changes of an entry as they are on a day, with so many late signals.
type found struct {
	changes []Change
	today   int64
	late    int
	done    bool
}

// daybook keeps the series seen last, at most limit.
type daybook struct {
	limit int
	order *list.List // of *entry, the one quiet for longest first
	byKey map[[2]string]*list.Element
}

func newDaybook(limit int) *daybook {
	return &daybook{limit: limit, order: list.New(), byKey: map[[2]string]*list.Element{}}
}

// see counts a verdict of the time.
func (b *daybook) see(v *layers.Verdict, ms int64) {
	unusual := 0.0
	if v.Layer >= layers.NameL3 && v.Disposition != layers.DispositionResolved || v.Layer >= layers.NameL4 || v.Disposition == layers.DispositionDead {
		unusual = 1
	}
	key, day := clip(v.Key, maxKeyBytes), floorDiv(ms, dayMS)
	b.touch(key, "", day).add(day, unusual)
	if v.Value != nil && !math.IsNaN(*v.Value) && !math.IsInf(*v.Value, 0) {
		of := v.Source
		if v.Type != "" {
			of += " " + v.Type
		}
		b.touch(key, clip(of, maxKeyBytes), day).add(day, *v.Value)
	}
}

func floorDiv(a, by int64) int64 {
	n := a / by
	if a%by < 0 {
		n--
	}
	return n
}

// touch returns the entry of a series, new where there is none, as the one seen last.
func (b *daybook) touch(key, of string, day int64) *entry {
	if element, ok := b.byKey[[2]string{key, of}]; ok {
		b.order.MoveToBack(element)
		return element.Value.(*entry)
	}
	e := &entry{Key: key, Of: of, Newest: day, First: day}
	b.put(e)
	return e
}

func (b *daybook) put(e *entry) {
	if b.order.Len() >= b.limit {
		oldest := b.order.Remove(b.order.Front()).(*entry)
		delete(b.byKey, [2]string{oldest.Key, oldest.Of})
	}
	b.byKey[[2]string{e.Key, e.Of}] = b.order.PushBack(e)
}

// add counts one event of the day, unless it is too long ago.
func (e *entry) add(day int64, value float64) {
	if by := day - e.Newest; by > 0 {
		n := int(min(by, bookDays))
		e.N = append(make([]uint32, n), e.N...)
		e.Sum = append(make([]float64, n), e.Sum...)
		e.N, e.Sum = e.N[:min(len(e.N), bookDays)], e.Sum[:min(len(e.Sum), bookDays)]
		e.Newest = day
	}
	age := e.Newest - day
	if age >= bookDays {
		return
	}
	if age > 0 {
		e.late++
	}
	for int64(len(e.N)) <= age {
		e.N, e.Sum = append(e.N, 0), append(e.Sum, 0)
	}
	e.First = min(e.First, day)
	if sum := e.Sum[age] + value; e.N[age] < math.MaxUint32 && !math.IsInf(sum, 0) {
		e.N[age]++
		e.Sum[age] += value
	}
}

// Change is where a trend changed its level.
type Change struct {
	Key    string    `json:"key"`
	What   string    `json:"what"`         // signals, unusual or value
	Of     string    `json:"of,omitempty"` // source and type, for value
	Since  time.Time `json:"since"`        // the first day of the new level, UTC
	Before float64   `json:"before"`       // median of the days between the change before and this one
	After  float64   `json:"after"`        // median of the days from then to the next change
	Days   int       `json:"days"`         // complete days of all levels
	Shift  float64   `json:"shift"`        // how large it is, in deviations of a day
}

// String says the change as a reason does.
func (c *Change) String() string {
	verb := "rose"
	if c.After < c.Before {
		verb = "fell"
	}
	what := map[string]string{TrendSignals: "signals a day", TrendUnusual: "unusual signals a day", TrendValue: "the value of " + brief(c.Of)}[c.What]
	return fmt.Sprintf("%s %s from %s to %s on %s", what, verb, level(c.Before), level(c.After), c.Since.Format(time.DateOnly))
}

// level writes a value with three digits.
func level(x float64) string {
	if math.Abs(x) >= 1000 && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(math.Round(x), 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// changes returns the changes of each trend of the entry up to the last complete day: today is not over. They are searched for once
// a day, and again where a signal of a finished day came late. The result is the entry's own.
func (e *entry) changes(today int64) []Change {
	if !e.found.done || e.found.today != today || e.found.late != e.late {
		e.found = found{changes: e.search(today), today: today, late: e.late, done: true}
	}
	return e.found.changes
}

func (e *entry) search(today int64) []Change {
	if e.Of != "" {
		days, values := e.means(today)
		return e.change(TrendValue, days, values, 0.01)
	}
	days, signals, unusual := e.counts(today)
	return append(e.change(TrendSignals, days, signals, 0.1), e.change(TrendUnusual, days, unusual, 0.1)...)
}

// counts returns signals and unusual ones by day: a day without any is a day with none.
func (e *entry) counts(today int64) (days []int64, signals, unusual []float64) {
	for day := max(e.First, today-bookDays+1); day < today; day++ {
		n, sum := e.at(day)
		days, signals, unusual = append(days, day), append(signals, float64(n)), append(unusual, sum)
	}
	return days, signals, unusual
}

// means returns the mean value of the days that have one.
func (e *entry) means(today int64) (days []int64, values []float64) {
	for day := max(e.First, today-bookDays+1); day < today; day++ {
		if n, sum := e.at(day); n > 0 {
			days, values = append(days, day), append(values, sum/float64(n))
		}
	}
	return days, values
}

func (e *entry) at(day int64) (n uint32, sum float64) {
	if age := e.Newest - day; age >= 0 && age < int64(len(e.N)) {
		return e.N[age], e.Sum[age]
	}
	return 0, 0
}

// change returns the changes of a series; noise is the share of the typical day that is taken for chance at least,
// counts vary by their root on top.
func (e *entry) change(what string, days []int64, values []float64, noise float64) []Change {
	if len(values) < 2*minStretch {
		return nil
	}
	typical := make([]float64, len(values))
	for i, v := range values {
		typical[i] = math.Abs(v)
	}
	slices.Sort(typical)
	least := noise * median(typical)
	if what != TrendValue {
		least = max(least, math.Sqrt(max(1, median(typical))))
	}
	sigma := max(deviation(values), least)
	points := append(changePoints(values, least), len(values))
	begin := 0
	var list []Change
	for i, at := range points[:len(points)-1] {
		c := Change{Key: e.Key, What: what, Of: e.Of, Since: time.UnixMilli(days[at] * dayMS).UTC(), Days: len(values)}
		c.Before, c.After = middle(values[begin:at]), middle(values[at:points[i+1]])
		if sigma > 0 {
			c.Shift = math.Abs(c.After-c.Before) / sigma
		}
		if c.Before != c.After && !math.IsInf(c.Shift, 0) && !math.IsNaN(c.Shift) && !math.IsInf(c.Before, 0) && !math.IsInf(c.After, 0) {
			list = append(list, c)
		}
		begin = at
	}
	return list
}

func middle(values []float64) float64 { return median(slices.Sorted(slices.Values(values))) }
