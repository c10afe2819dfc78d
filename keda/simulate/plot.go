package simulate

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// column is what one column of a plot shows: the highest of its seconds.
type column struct {
	pods, need float64
	late       bool
}

// columns cuts points into n parts.
func columns(cfg Config, points []Point, n int) []column {
	out := make([]column, n)
	for i, p := range points {
		c := &out[i*n/len(points)]
		c.pods = max(c.pods, float64(p.Pods))
		c.need = max(c.need, p.Load/cfg.Rate)
		c.late = c.late || p.Oldest > cfg.Policy.Latency.Seconds()
	}
	return out
}

// WritePlot draws the replicas of one result over time, what the load needs beside them, and below where signals were late.
func WritePlot(w io.Writer, cfg Config, r *Result, width int) error {
	const height = 8
	const eighths = " ▁▂▃▄▅▆▇█"
	if len(r.Points) == 0 || width < 1 {
		return nil
	}
	most := float64(cfg.Policy.Max)
	cols := columns(cfg, r.Points, width)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: replicas █, needed for what comes in ·, late !\n", r.Kind.Title())
	for row := height - 1; row >= 0; row-- {
		label := "    "
		if row == height-1 || row == height/2-1 {
			label = fmt.Sprintf("%4.0f", most*float64(row+1)/height)
		}
		b.WriteString(label + "│")
		for _, c := range cols {
			fill := c.pods/most*height - float64(row)
			cell := []rune(eighths)[int(max(0, min(8, fill*8)))]
			// The load's mark lies in its row; above the maximum, in the highest.
			if at := min(int(c.need/most*height), height-1); at == row {
				cell = map[bool]rune{true: '▓', false: '·'}[fill >= 1]
			}
			b.WriteRune(cell)
		}
		b.WriteByte('\n')
	}
	b.WriteString("   0└")
	for _, c := range cols {
		b.WriteString(map[bool]string{true: "!", false: "─"}[c.late])
	}
	end := (time.Duration(len(r.Points)) * time.Second).String()
	fmt.Fprintf(&b, "\n     0%*s\n", width-1, end)
	_, err := io.WriteString(w, b.String())
	return err
}
