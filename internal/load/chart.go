package load

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Widths of the histogram's columns, characters.
const (
	widthBound   = 9
	widthBar     = 6
	widthPercent = 7
)

// histogram writes one row a bucket, one column an operation.
func (r *Report) histogram(b *strings.Builder) {
	rows := r.rows()
	cells := []string{fmt.Sprintf("\n%*s", widthBound, "latency")}
	for _, row := range rows {
		cells = append(cells, fmt.Sprintf("%-*s", widthBar+widthPercent, row.Operation))
	}
	writeCells(b, cells)
	for _, bucket := range r.Result.All.Buckets {
		cells := []string{fmt.Sprintf("%*s", widthBound, "≤ "+boundText(bucket.Within))}
		for _, row := range rows {
			share := row.share(bucket.Within)
			percent := ""
			if share > 0 {
				percent = digits(100*share) + " %"
			}
			cells = append(cells, fmt.Sprintf("%s%*s", bar(share, widthBar), widthPercent, percent))
		}
		writeCells(b, cells)
	}
}

func writeCells(b *strings.Builder, cells []string) {
	b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
}

// share is the part of the latencies that lie in the bucket up to a bound.
func (f *Figures) share(within time.Duration) float64 {
	var sum, here uint64
	for _, bucket := range f.Buckets {
		sum += bucket.Count
		if bucket.Within == within {
			here = bucket.Count
		}
	}
	return float64(here) / float64(max(sum, 1))
}

// bar draws a share in a width, exact to an eighth of a character. What is there is seen.
func bar(share float64, width int) string {
	eighths := int(share*float64(8*width) + 0.5)
	if share > 0 {
		eighths = max(eighths, 1)
	}
	text := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	return text + strings.Repeat(" ", width-utf8.RuneCountInString(text))
}
