package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressPeriod is how often a feed without a terminal says where it is.
const progressPeriod = 5 * time.Second

// progress tells a person how far a feed or a redrive is: with a bar on a terminal, with a line
// every few seconds elsewhere.
type progress struct {
	command string
	out     io.Writer
	now     func() time.Time
	bar     *progressbar.ProgressBar // nil where there is no terminal
	total   int64                    // bytes, or signals where the feed has a limit; 0 where unknown
	limited bool
	began   time.Time
	said    time.Time
	stalled bool
}

func newProgress(f *Feed) *progress {
	p := &progress{command: "feed", out: f.Notes, now: f.Door.Now, total: f.Size, began: f.Door.Now(), said: f.Door.Now()}
	if f.Options.Limit > 0 {
		p.total, p.limited = int64(f.Options.Limit), true
	}
	if f.Terminal {
		p.draw()
	}
	return p
}

// draw has the progress be a bar.
func (p *progress) draw() {
	most := p.total
	if most == 0 {
		most = -1
	}
	p.bar = progressbar.NewOptions64(most,
		progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionUseANSICodes(true), progressbar.OptionClearOnFinish())
}

// advance says that signals are stored, up to an offset in the file.
func (p *progress) advance(offset int64, signals int) {
	p.stalled = false
	at := offset
	if p.limited {
		at = int64(signals)
	}
	elapsed := p.now().Sub(p.began)
	text := thousands(signals) + " signals"
	if elapsed > 0 {
		text += ", " + thousands(int(float64(signals)/elapsed.Seconds())) + "/s"
	}
	if p.bar != nil {
		p.bar.Describe(text)
		if p.total > 0 {
			at = min(at, p.total) // The file may have grown.
		}
		_ = p.bar.Set64(at) // A terminal that is gone is no reason to stop.
		return
	}
	if p.now().Sub(p.said) < progressPeriod {
		return
	}
	p.said = p.now()
	if p.total > 0 && at > 0 {
		left := time.Duration(float64(elapsed) * float64(max(0, p.total-at)) / float64(at))
		text += fmt.Sprintf(", %d %%, about %s left", 100*min(at, p.total)/p.total, left.Round(time.Second))
	}
	p.write(text)
}

// say writes a line beside the progress.
func (p *progress) say(text string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.write(text)
}

// stall says once why nothing moves.
func (p *progress) stall(text string) {
	if !p.stalled {
		p.stalled = true
		p.say(text)
	}
}

func (p *progress) write(text string) {
	_, _ = io.WriteString(p.out, p.command+": "+clean(text)+"\n") // As above.
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
		_ = p.bar.Exit()
	}
}
