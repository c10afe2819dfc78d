package load

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// How often progress is shown: on a terminal and elsewhere.
const (
	periodTerminal = time.Second
	periodLines    = 5 * time.Second
)

// Progress tells a person how a run goes: with a bar on a terminal, with a line every few
// seconds elsewhere.
type Progress struct {
	out io.Writer
	bar *progressbar.ProgressBar // nil where there is no terminal
}

// NewProgress returns the progress of a run of so long.
func NewProgress(out io.Writer, terminal bool, whole time.Duration) *Progress {
	p := &Progress{out: out}
	if terminal {
		p.bar = progressbar.NewOptions64(whole.Milliseconds(),
			progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(10), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionUseANSICodes(true), progressbar.OptionClearOnFinish())
	}
	return p
}

// Period is how often Show wants to be called.
func (p *Progress) Period() time.Duration {
	if p.bar != nil {
		return periodTerminal
	}
	return periodLines
}

// Show shows how it goes.
func (p *Progress) Show(s Snapshot) {
	text := s.line()
	if p.bar == nil {
		at := fmt.Sprintf("load: %s of %s, ", s.Elapsed.Round(time.Second), s.For)
		_, _ = io.WriteString(p.out, at+text+"\n") // A reader that is gone is no reason to stop.
		return
	}
	p.bar.Describe(text)
	// The bar's end would clear it, and what is late may still be under way.
	_ = p.bar.Set64(min(s.Elapsed.Milliseconds(), s.For.Milliseconds()-1))
}

// line leaves room for the bar on a terminal of 80 columns.
func (s *Snapshot) line() string {
	perSecond := float64(s.Recent.Count) / s.Period.Seconds()
	text := fmt.Sprintf("%s/s, p50 %s, p99 %s, %s errors, %s under way",
		countText(int(perSecond+0.5)), latencyText(s.Recent.P50), latencyText(s.Recent.P99), countText(s.Errors), countText(s.UnderWay))
	if s.Elapsed > s.For && s.UnderWay > 0 {
		text += ", late"
	}
	return text
}

// End takes the bar away.
func (p *Progress) End() {
	if p.bar != nil {
		_ = p.bar.Clear()
		_ = p.bar.Exit()
	}
}
