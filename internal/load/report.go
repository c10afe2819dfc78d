package load

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is a result with the limits that it is held to.
type Report struct {
	Result Result
	Limits Limits
}

// Err says what is outside the limits, nil where nothing is.
func (r *Report) Err() error {
	breaches := r.Limits.Breaches(&r.Result)
	switch len(breaches) {
	case 0:
		return nil
	case 1:
		return errors.New("load: outside the limits: " + breaches[0])
	default:
		return fmt.Errorf("load: outside the limits: %s, and %d more", breaches[0], len(breaches)-1)
	}
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	r.table(&b)
	r.histogram(&b)
	r.errors(&b)
	r.notes(&b)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("load: write: %w", err)
	}
	return nil
}

func (r *Report) head(b *strings.Builder) {
	res := &r.Result
	fmt.Fprintf(b, "%s users for %s, %s operations/s scheduled, seed %d\n", countText(res.Users), res.For, short(res.Rate), res.Seed)
	b.WriteString("target: " + strings.TrimPrefix(res.HTTP+", ", ", ") + res.NATS + "\n")
	if res.Interrupted {
		fmt.Fprintf(b, "interrupted after %s\n", latencyText(res.Elapsed))
	}
	b.WriteString("latency counts from when an operation was due\n\n")
}

// rows are all operations together and each of them.
func (r *Report) rows() []OperationFigures {
	return append([]OperationFigures{{"all", r.Result.All}}, r.Result.Operations...)
}

func (r *Report) table(b *strings.Builder) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "operation\tcount\t/s\tp50\tp90\tp99\tp99.9\tmax\terrors\t")
	for _, row := range r.rows() {
		perSecond := float64(row.Count) / max(r.Result.Elapsed.Seconds(), 1e-9)
		fmt.Fprintf(table, "%s\t%s\t%s\t", row.Operation, countText(row.Count), digits(perSecond))
		for _, latency := range []time.Duration{row.P50, row.P90, row.P99, row.P999, row.Max} {
			fmt.Fprintf(table, "%s\t", latencyText(latency))
		}
		fmt.Fprintf(table, "%s\t\n", countText(row.Errors))
	}
	_ = table.Flush() // Into memory.
}

// errors lists the kinds of errors, the most frequent first.
func (r *Report) errors(b *strings.Builder) {
	if r.Result.All.Errors == 0 {
		b.WriteString("\nno errors\n")
		return
	}
	fmt.Fprintf(b, "\n%s errors, %s of all operations\n", countText(r.Result.All.Errors), percentText(r.Result.All.ErrorRate()))
	kinds := r.Result.All.Kinds
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(a, b Kind) int {
		if kinds[a] != kinds[b] {
			return int(kinds[b]) - int(kinds[a])
		}
		return strings.Compare(string(a), string(b))
	}) {
		fmt.Fprintf(b, "%10s  %s%s; the first: %s\n", countText(kinds[kind]), kind, r.where(kind), plainText(r.Result.Examples[kind]))
	}
}

// where says which operations failed in a way.
func (r *Report) where(kind Kind) string {
	var list []string
	for _, row := range r.Result.Operations {
		if n := row.Kinds[kind]; n > 0 {
			list = append(list, fmt.Sprintf("%s %s", row.Operation, countText(n)))
		}
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// lagNoticed is how late this process may be itself before the report says so.
const lagNoticed = 20 * time.Millisecond

func (r *Report) notes(b *strings.Builder) {
	res := &r.Result
	if res.All.Unfinished > 0 {
		fmt.Fprintf(b, "%s more operations were due or under way at the interruption; the latencies hold what they had taken by then\n", countText(res.All.Unfinished))
	}
	if res.Tailed > 0 {
		fmt.Fprintf(b, "tails showed %s results\n", countText(res.Tailed))
	}
	if res.Dropped > 0 {
		fmt.Fprintf(b, "%s verdicts were dropped here since this process was too slow: errors of the kind %q may be its own\n", countText(res.Dropped), KindNoVerdict)
	}
	fmt.Fprintf(b, "this process itself began operations %s late at p99, %s at most, which the latencies contain\n", latencyText(res.Lag.P99), latencyText(res.Lag.Max))
	if res.Lag.P99 > lagNoticed {
		b.WriteString("that is much: it, or the machine that it shares with its target, has too little CPU for this load\n")
	}
	if breaches := r.Limits.Breaches(res); len(breaches) > 0 {
		b.WriteString("\noutside the limits:\n  " + strings.Join(breaches, "\n  ") + "\n")
	} else if r.Limits != (Limits{}) {
		b.WriteString("\nwithin the limits: " + r.limits() + "\n")
	}
}

func (r *Report) limits() string {
	var list []string
	if r.Limits.P99 > 0 {
		list = append(list, fmt.Sprintf("p99 of each operation at most %s", r.Limits.P99))
	}
	if r.Limits.Errors > 0 {
		list = append(list, "errors at most "+percentText(r.Limits.Errors))
	}
	return strings.Join(list, ", ")
}
