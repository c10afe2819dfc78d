package simulate

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Title says what an autoscaler is, for people.
func (k Kind) Title() string {
	switch k {
	case KindCPU:
		return "HPA on CPU, 60 %"
	case KindLag:
		return "KEDA stock, lag"
	case KindLagP95:
		return "KEDA stock, lag and p95"
	default:
		return "HAL9's scaler"
	}
}

// WriteTable prints the results under each other.
func WriteTable(w io.Writer, results []Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %10s %10s %6s %5s %9s %9s\n", "", "LATE", "POD HOURS", "TURNS", "MAX", "BACKLOG", "WAIT")
	for _, r := range results {
		fmt.Fprintf(&b, "%-24s %10s %10.1f %6d %5d %9s %9s", r.Kind.Title(), span(r.Late), r.PodHours, r.Turns, r.Max, span(r.Drain), span(int(r.Longest)))
		if r.Unfinished >= 0.5 {
			b.WriteString("  " + Count(r.Unfinished) + " signals were never worked off")
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteLegend says what the columns mean.
func WriteLegend(w io.Writer, cfg Config) error {
	_, err := fmt.Fprintf(w, "LATE: how long the oldest signal was older than the objective of %s. TURNS: from more replicas to fewer or back.\n"+
		"BACKLOG: longest time in which signals waited for more than a second. WAIT: the longest of one signal.\n", cfg.Policy.Latency)
	return err
}

func span(n int) string { return (time.Duration(n) * time.Second).String() }

// Count writes a number with commas.
func Count(n float64) string {
	text := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	var b strings.Builder
	for i, c := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
