package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/time/rate"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

const (
	batchMax     = 256                    // signals stored at a time
	shownMax     = 20                     // bad lines that are shown; all are counted
	drainTime    = 3 * time.Second        // for what was sent when the feed is interrupted
	retryPause   = 250 * time.Millisecond // while NATS is away
	submitBudget = 15 * time.Second       // for one batch
)

// run is one feed under way.
type run struct {
	feed    *Feed
	notes   *progress
	limiter *rate.Limiter
	parcels <-chan parcel
	held    *parcel // taken from parcels and not yet its turn
	began   time.Time
	summary Summary
}

// all stores batch after batch until the file ends or something stops it.
func (r *run) all(ctx context.Context) error {
	for {
		batch, ended := r.gather(ctx)
		if len(batch) > 0 {
			if err := r.store(ctx, batch); err != nil {
				return err
			}
		}
		if errors.Is(ended, io.EOF) {
			return nil
		}
		if ended != nil {
			return ended
		}
	}
}

// gather takes the signals that are ready, at least one and at most batchMax; one alone
// never waits for company. The error, io.EOF at the end of the file, says why there will be no more.
func (r *run) gather(ctx context.Context) (batch []parcel, err error) {
	for len(batch) < batchMax {
		p, err := r.take(ctx, len(batch) == 0)
		if p == nil || err != nil {
			return batch, err
		}
		if p.line != nil && p.line.Note != "" && p.item == 0 {
			r.notes.say(p.line.Note)
		}
		switch {
		case p.line == nil:
			return batch, p.err
		case p.err != nil:
			if err := r.reject(p); err != nil {
				return batch, err
			}
		default:
			batch = append(batch, *p)
		}
	}
	return batch, nil
}

// take returns the next parcel whose turn it is. Where it may not wait it returns nil while there is none.
func (r *run) take(ctx context.Context, mayWait bool) (p *parcel, err error) {
	if p = r.held; p == nil {
		if p, err = r.receive(ctx, mayWait); p == nil || err != nil {
			return nil, err
		}
	}
	r.held = nil
	if p.err != nil || r.limiter.Allow() {
		return p, nil //nolint:nilerr // The error is about the line, and goes with it.
	}
	if !mayWait {
		r.held = p
		return nil, nil //nolint:nilnil // Nothing is ready, and nothing is wrong.
	}
	if r.limiter.Wait(ctx) != nil {
		return nil, ErrInterrupted
	}
	return p, nil
}

// receive takes from what was read ahead.
func (r *run) receive(ctx context.Context, mayWait bool) (*parcel, error) {
	if ctx.Err() != nil {
		return nil, ErrInterrupted
	}
	var p parcel
	ok := true
	if !mayWait {
		select {
		case p, ok = <-r.parcels:
		default:
			return nil, nil //nolint:nilnil // See take.
		}
	} else {
		select {
		case p, ok = <-r.parcels:
		case <-ctx.Done():
			return nil, ErrInterrupted
		}
	}
	if !ok {
		return nil, io.EOF
	}
	return &p, nil
}

// reject counts a bad line and, unless the feed is strict, goes on.
func (r *run) reject(p *parcel) error {
	r.summary.Rejected++
	if r.feed.Options.Strict {
		return fmt.Errorf("cli: line %d: %w", p.line.Number, p.err)
	}
	if r.summary.Rejected <= shownMax {
		r.notes.say(fmt.Sprintf("line %d: %v", p.line.Number, p.err))
	}
	if r.summary.Rejected == shownMax {
		r.notes.say("further bad lines are counted and not shown")
	}
	return nil
}

// store stores a batch, however often that has to be tried.
func (r *run) store(ctx context.Context, batch []parcel) error {
	records := make([]pipeline.Record, len(batch))
	for i := range batch {
		var err error
		if records[i], err = r.feed.Door.Record(&batch[i].line.Items[batch[i].item]); err != nil {
			return fmt.Errorf("cli: line %d: %w", batch[i].line.Number, problem(err))
		}
	}
	r.summary.Sent += len(batch)
	sending, stop := drained(ctx)
	defer stop()
	progressed := r.feed.Door.Now()
	for retried := false; ; retried = true {
		stored, err := r.submit(sending, records)
		left := r.settle(stored, retried, &batch, records)
		if len(left) < len(records) {
			progressed = r.feed.Door.Now()
		}
		if records = left; len(records) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if r.feed.Door.Now().Sub(progressed) > r.feed.Options.Patience {
			return fmt.Errorf("cli: nothing could be stored for %s: %w", r.feed.Options.Patience, err)
		}
		if err := r.waitFor(ctx, err); err != nil {
			return ErrInterrupted
		}
	}
}

func (r *run) submit(ctx context.Context, records []pipeline.Record) ([]bus.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, submitBudget)
	defer cancel()
	return r.feed.Store.Submit(ctx, records)
}

// drained returns a context that ends drainTime after ctx: what was sent may still be stored.
func drained(ctx context.Context) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = wait(sending, drainTime)
		cancel()
	})
	return sending, func() { stop(); cancel() }
}

// settle counts what is stored, takes it out of the batch and returns the records that are left.
// A signal that is stored already when it is sent a second time was stored the first time.
func (r *run) settle(stored []bus.Stored, retried bool, batch *[]parcel, records []pipeline.Record) []pipeline.Record {
	var left []pipeline.Record
	var still []parcel
	for i, p := range *batch {
		if i >= len(stored) || stored[i].Seq == 0 {
			left, still = append(left, records[i]), append(still, p)
			continue
		}
		if stored[i].Duplicate && !retried {
			r.summary.Duplicates++
		} else {
			r.summary.Stored++
		}
		if len(still) == 0 {
			r.reached(&p)
		}
	}
	*batch = still
	return left
}

// reached notes that everything up to a signal is stored.
func (r *run) reached(p *parcel) {
	if r.summary.ResumeLine = p.line.Number; p.last {
		r.summary.ResumeLine++
	}
	r.notes.advance(p.line.End, r.summary.Stored+r.summary.Duplicates)
}

// waitFor waits until a refused batch may be tried again.
func (r *run) waitFor(ctx context.Context, refusal error) error {
	if busy, ok := errors.AsType[*bus.BusyError](refusal); ok {
		r.notes.stall("HAL9 is full for now, waiting until there is room")
		return wait(ctx, busy.RetryAfter())
	}
	r.notes.stall("signals can't be stored now, trying again: " + clip(refusal.Error(), 200))
	return wait(ctx, retryPause)
}

// finish completes the summary.
func (r *run) finish(err error) {
	elapsed := r.feed.Door.Now().Sub(r.began)
	r.summary.Seconds = elapsed.Seconds()
	if elapsed > 0 {
		r.summary.Rate = float64(r.summary.Stored+r.summary.Duplicates) / elapsed.Seconds()
	}
	if r.summary.Complete = err == nil; err == nil && r.feed.Options.Limit == 0 {
		r.summary.ResumeLine = 0
	}
}
