package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the table for people.
func (t *Table) WriteTable(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "ROW\tWHAT\tP50\tP99\tVALUE\tUNIT\tYARDSTICK\tRATIO\tMUST\tGOAL")
	for i := range t.Rows {
		r := &t.Rows[i]
		fmt.Fprintln(columns, strings.Join(r.cells(), "\t"))
	}
	if err := columns.Flush(); err != nil {
		return fmt.Errorf("bench: write the table: %w", err)
	}
	var notes strings.Builder
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Note != "" {
			fmt.Fprintf(&notes, "%s: %s\n", r.ID, r.Note)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\nmachine: %s\ncommit: %s\n", notes.String(), t.Machine, t.Commit)
	return err
}

// cells returns the row's columns.
func (r *Row) cells() []string {
	ratio := number(r.Ratio)
	if r.Ratio != nil {
		ratio += "x"
	}
	return []string{
		r.ID, r.Title, number(r.P50), number(r.P99), number(r.Value), r.Unit, number(r.Yardstick), ratio, met(r.Must), met(r.Goal),
	}
}

// met says whether a bound is met.
func met(ok *bool) string {
	switch {
	case ok == nil:
		return "–"
	case *ok:
		return "yes"
	default:
		return "NO"
	}
}
