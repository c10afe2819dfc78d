package bench

import (
	"fmt"
	"math"
	"strconv"
)

// Table is the result of a run.
type Table struct {
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
	Rows    []Row  `json:"rows"`
}

// Row is one line of the table. Figures are in Unit; what was not measured or does not apply is nil.
type Row struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	P50       *float64 `json:"p50"`
	P99       *float64 `json:"p99"`
	Value     *float64 `json:"value"` // the figure that the yardstick stands beside
	Unit      string   `json:"unit"`
	Yardstick *float64 `json:"yardstick"`
	Ratio     *float64 `json:"ratio"` // value / yardstick
	Must      *bool    `json:"must"`
	Goal      *bool    `json:"goal"`
	Rounds    int      `json:"rounds"` // 0 where nothing was measured
	Note      string   `json:"note"`

	recall *float64 // share of right hits, where that counts
}

// compare fills in the ratio.
func (r *Row) compare() {
	if r.Value != nil && r.Yardstick != nil && *r.Yardstick > 0 {
		r.Ratio = new(*r.Value / *r.Yardstick)
	}
}

// fail makes it a row that was not measured.
func (r *Row) fail(err error) {
	*r = Row{ID: r.ID, Title: r.Title, Unit: r.Unit, Note: "not measured: " + reason(err)}
}

// addNote adds what is worth knowing of the figures.
func (r *Row) addNote(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r.Note != "" && text != "" {
		r.Note += "; "
	}
	r.Note += text
}

// summary returns the row's figures in a few words, or why there are none.
func (r *Row) summary() string {
	switch {
	case r.Value == nil && r.Yardstick == nil:
		return r.Note
	case r.Value == nil:
		return fmt.Sprintf("– %s, yardstick %s", r.Unit, number(r.Yardstick))
	case r.Yardstick == nil:
		return fmt.Sprintf("%s %s", number(r.Value), r.Unit)
	default:
		return fmt.Sprintf("%s %s, yardstick %s, ratio %s", number(r.Value), r.Unit, number(r.Yardstick), number(r.Ratio))
	}
}

// number returns a figure with three digits that count, or a dash where there is none.
func number(f *float64) string {
	if f == nil {
		return "–"
	}
	v := *f
	if v == 0 || math.Abs(v) >= 100 {
		return grouped(v)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// grouped returns a whole number with a comma every three digits.
func grouped(v float64) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	if v <= -0.5 {
		return "-" + text
	}
	return text
}
