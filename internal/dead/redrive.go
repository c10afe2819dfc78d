package dead

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// Options say how letters are put back.
type Options struct {
	Rate     float64       // signals per second; 0 for as fast as they are stored; default 100
	DryRun   bool          // count and check, and store nothing
	Patience time.Duration // how long the layer may be full or NATS away before the redrive gives up; default 1 min
	Owner    string        // who redrives, for whoever looks at the leases
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options { return Options{Rate: 100, Patience: time.Minute} }

// Validate reports everything that is wrong, joined.
func (o *Options) Validate() error {
	var problems []error
	if !(o.Rate >= 0) { // Not a number is refused, too.
		problems = append(problems, fmt.Errorf("dead: --rate %g: want signals per second, or 0 for as fast as they are stored", o.Rate))
	}
	if o.Patience <= 0 {
		problems = append(problems, fmt.Errorf("dead: --patience %s: want more than 0", o.Patience))
	}
	return errors.Join(problems...)
}

// Store stores signals; *bus.Bus is one.
type Store interface {
	Submit(ctx context.Context, records []pipeline.Record) ([]bus.Stored, error)
}

// Report is told how a redrive gets on.
type Report interface {
	Advance(done int)             // letters that are settled, of those selected
	Say(text string)              // what a person should know
	Stall(text string)            // why nothing moves
	Failed(seq uint64, err error) // a letter that can't be put back
}

// Outcome is what a redrive came to.
type Outcome struct {
	Letters  int            `json:"letters"`  // selected
	Redriven int            `json:"redriven"` // of them put back; with a dry run, that would be
	Before   int            `json:"before"`   // of them put back by an earlier run
	Failed   int            `json:"failed"`   // of them that can't be put back
	Gone     int            `json:"gone"`     // of them that HAL9_DEAD does not keep any more
	Reasons  map[string]int `json:"reasons,omitempty"`
	DryRun   bool           `json:"dry_run,omitempty"`
	Target   string         `json:"target"`
	Seconds  float64        `json:"seconds"`
	Rate     float64        `json:"rate"` // signals per second
	Complete bool           `json:"complete"`
}

// ErrInterrupted says that a redrive ended before all letters were put back. Running it again goes on
// from there.
var ErrInterrupted = errors.New("dead: interrupted")

// Redrive puts letters back into a layer.
type Redrive struct {
	Bus     *bus.Bus
	Store   Store // default Bus
	Planner Planner
	Options Options
	Report  Report
	Now     func() time.Time
}

// leaseName is what a redrive owns: one runs at a time.
const leaseName = "dead.redrive"

const (
	retryPause = 250 * time.Millisecond // while NATS is away
	drainTime  = 3 * time.Second        // for what was sent when the redrive is interrupted
	waitNotice = 1500 * time.Millisecond
)

// Run puts letters back, in the order of their sequences, and says how far it came, whatever ended
// it. What was sent when ctx ends is still waited for, a few seconds.
func (r *Redrive) Run(ctx context.Context, seqs []uint64) (Outcome, error) {
	if err := r.Options.Validate(); err != nil {
		return Outcome{}, err
	}
	d := &drive{
		redrive: r, rest: seqs, store: r.Store, began: r.Now(), moved: r.Now(), limiter: rate.NewLimiter(rate.Inf, 1),
		flying:  map[uint64]struct{}{},
		outcome: Outcome{Letters: len(seqs), Target: r.Planner.Target.String(), DryRun: r.Options.DryRun, Reasons: map[string]int{}},
	}
	if d.store == nil {
		d.store = r.Bus
	}
	if r.Options.Rate > 0 {
		d.limiter = rate.NewLimiter(rate.Limit(r.Options.Rate), max(1, int(r.Options.Rate/20)))
	}
	var err error
	if r.Options.DryRun {
		err = d.rehearse(ctx)
	} else {
		err = r.persist(ctx, d)
	}
	d.finish(err)
	return d.outcome, err
}

// persist lets one life follow the other until all letters are put back or nothing moves any more.
func (r *Redrive) persist(ctx context.Context, d *drive) error {
	leases, err := r.Bus.Leases(ctx, r.Options.Owner)
	if err != nil {
		return err
	}
	for {
		notice := time.AfterFunc(waitNotice, func() { r.Report.Say("another redrive is under way: waiting for it to end") })
		err := leases.Hold(ctx, leaseName, func(ctx context.Context, _ pipeline.Ownership) error {
			notice.Stop()
			return d.live(ctx)
		})
		notice.Stop()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ErrInterrupted
		case r.Now().Sub(d.moved) > r.Options.Patience:
			return fmt.Errorf("dead: nothing could be stored for %s: %w", r.Options.Patience, err)
		}
		r.Report.Stall("letters can't be put back now, trying again: " + pipeline.OneLine(err.Error()))
		if wait(ctx, retryPause) != nil {
			return ErrInterrupted
		}
	}
}

// wait waits, and returns early with ctx's cause.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
