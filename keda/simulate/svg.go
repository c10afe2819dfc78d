package simulate

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Sizes of the picture, pixels.
const (
	svgWidth  = 960
	svgPanel  = 180
	svgMargin = 60
	svgPoints = 600 // of one line at most
)

// color is a line's; they differ in brightness, too.
func (k Kind) color() string {
	switch k {
	case KindCPU:
		return "#d55e00"
	case KindLag:
		return "#56b4e9"
	case KindLagP95:
		return "#009e73"
	default:
		return "#222222"
	}
}

// panel is one diagram of the picture.
type panel struct {
	title string
	value func(p *Point) float64
	mark  float64 // a dashed line; 0: none
	once  bool    // it is the same for all results
}

// WriteSVG draws the load, the replicas and the age of the oldest signal, one line per result.
func WriteSVG(w io.Writer, cfg Config, results []Result) error {
	panels := []panel{
		{title: "signals/s that come in", value: func(p *Point) float64 { return p.Load }, once: true},
		{title: fmt.Sprintf("replicas (maximum %d)", cfg.Policy.Max), value: func(p *Point) float64 { return float64(p.Pods) }, mark: float64(cfg.Policy.Max)},
		{title: "age of the oldest signal, seconds (objective " + cfg.Policy.Latency.String() + ")", value: func(p *Point) float64 { return p.Oldest }, mark: cfg.Policy.Latency.Seconds()},
	}
	height := svgMargin + len(panels)*(svgPanel+svgMargin)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", svgWidth, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i, r := range results {
		x := svgMargin + i*220
		fmt.Fprintf(&b, `<path d="M%d 20h24" stroke="%s" stroke-width="2"/><text x="%d" y="24">%s</text>`+"\n", x, r.Kind.color(), x+30, r.Kind.Title())
	}
	longest := 0
	for i := range results {
		longest = max(longest, len(results[i].Points))
	}
	for i := range panels {
		panels[i].draw(&b, results, svgMargin+i*(svgPanel+svgMargin), longest)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// draw draws one diagram whose top is at y.
func (d *panel) draw(b *strings.Builder, results []Result, y, longest int) {
	top := max(d.mark, 1e-9)
	for i := range results {
		for j := range results[i].Points {
			top = max(top, d.value(&results[i].Points[j]))
		}
	}
	const width = svgWidth - 2*svgMargin
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text><path d="M%d %dv%dh%d" fill="none" stroke="#999"/>`+"\n", svgMargin, y-6, d.title, svgMargin, y, svgPanel, width)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n", svgMargin-6, y+10, Count(top), svgMargin-6, y+svgPanel)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", svgMargin+width, y+svgPanel+14, time.Duration(longest)*time.Second)
	level := func(v float64) float64 { return float64(y) + svgPanel*(1-v/top) }
	if d.mark > 0 {
		fmt.Fprintf(b, `<path d="M%d %.1fh%d" stroke="#bbb" stroke-dasharray="4"/>`+"\n", svgMargin, level(d.mark), width)
	}
	for i := range results {
		points := results[i].Points
		each := max(1, len(points)/svgPoints)
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="`, results[i].Kind.color())
		for from := 0; from < len(points); from += each {
			high := 0.0
			for j := from; j < min(from+each, len(points)); j++ {
				high = max(high, d.value(&points[j]))
			}
			fmt.Fprintf(b, "%.1f,%.1f ", svgMargin+float64(from)/float64(longest)*width, level(high))
		}
		b.WriteString("\"/>\n")
		if d.once {
			return
		}
	}
}
