package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// heads returns the names of the columns.
func heads() []string {
	return []string{"ROW", "WHAT", "P50", "P99", "VALUE", "UNIT", "YARDSTICK", "RATIO", "MUST", "GOAL"}
}

// WriteTable writes the table for people: the figures first, what is worth knowing of them below.
func (t *Table) WriteTable(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, strings.Join(heads(), "\t"))
	for i := range t.Rows {
		fmt.Fprintln(columns, strings.Join(t.Rows[i].cells(), "\t"))
	}
	if err := columns.Flush(); err != nil {
		return fmt.Errorf("bench: write the table: %w", err)
	}
	var notes strings.Builder
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Note != "" {
			notes.WriteString(wrapped(r.ID, r.Note))
		}
	}
	notes.WriteString(wrapped("machine", t.Machine))
	notes.WriteString(wrapped("commit", t.Commit))
	if _, err := fmt.Fprintf(w, "\n%s", notes.String()); err != nil {
		return fmt.Errorf("bench: write the table: %w", err)
	}
	return nil
}

// WriteMarkdown writes the table as Markdown.
func (t *Table) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line([]string{"row", "what", "p50", "p99", "value", "unit", "yardstick", "ratio", "must", "goal"})
	b.WriteString("|---|---|---:|---:|---:|---|---:|---:|---|---|\n")
	for i := range t.Rows {
		cells := t.Rows[i].cells()
		for c := range cells {
			cells[c] = strings.ReplaceAll(cells[c], "|", `\|`)
		}
		line(cells)
	}
	b.WriteByte('\n')
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Note != "" {
			fmt.Fprintf(&b, "- **%s**: %s\n", r.ID, r.Note)
		}
	}
	fmt.Fprintf(&b, "\nMachine: %s. Commit: %s.\n", t.Machine, t.Commit)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("bench: write the table: %w", err)
	}
	return nil
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

// wrapped returns a named text in lines of at most noteWidth, as far as its words allow, the further ones indented.
func wrapped(name, text string) string {
	const noteWidth = 110
	var b strings.Builder
	b.WriteString(name + ":")
	width := utf8.RuneCountInString(name) + 1
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if width+1+n > noteWidth {
			b.WriteString("\n   ")
			width = 3
		}
		b.WriteString(" " + word)
		width += 1 + n
	}
	b.WriteByte('\n')
	return b.String()
}
