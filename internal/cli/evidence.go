package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// neurons says what a signal looks like and which neurons say so, on what.
func (x *Explain) neurons(p *page, v *layers.Verdict) {
	for i, class := range v.Classes {
		text := fmt.Sprintf("%s  (strength %.2f)", class.Label, class.Strength)
		if v.Evidence != nil && i < len(v.Evidence.Neurons) {
			n := &v.Evidence.Neurons[i]
			text += fmt.Sprintf(": neuron %s, %s of %s, from %s", n.Name, short(n.Activation), short(n.Threshold), strings.Join(n.Features, ", "))
		}
		p.row("looks like", text)
	}
}

// proof says what L3 expected, why it flagged the signal, and with which tunings it was decided.
func (x *Explain) proof(p *page, e *layers.Evidence) {
	if e == nil {
		return
	}
	if e.Flag != "" {
		p.row("flagged", e.Flag)
	}
	if b := e.Baseline; b != nil {
		p.row("baseline", fmt.Sprintf("%s: %s came; usually %s to %s around %s, by %s samples",
			b.Series, short(b.Value), short(b.Low), short(b.High), short(b.Usual), short(b.Samples)))
		if b.Hour != 0 {
			p.row("", "at this hour of the day "+short(b.Hour))
		}
		if b.Habit {
			p.row("", "so it was about this time on each of the last two days")
		}
		p.row("detector", fmt.Sprintf("%s: score %.2f, flagged from %.2f; one in 10^%s", b.Detector, b.Score, b.Limit, strconv.FormatFloat(b.Surprise, 'f', 1, 64)))
	}
	for _, layer := range slices.Sorted(maps.Keys(e.Tuning)) {
		p.row("tuning", fmt.Sprintf("version %d of %s: see hal9 tuning show %s", e.Tuning[layer], layer, layer))
	}
}

// short writes a number to a length that can be read.
func short(n float64) string { return strconv.FormatFloat(n, 'g', 5, 64) }
