package dead

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// drive is a redrive under way.
type drive struct {
	redrive *Redrive
	store   Store
	limiter *rate.Limiter
	marks   *bus.Marks
	rest    []uint64            // letters that are not settled, oldest first
	flying  map[uint64]struct{} // of them those that were sent and are perhaps stored
	began   time.Time
	moved   time.Time // when the last letter was settled
	outcome Outcome
}

// live is one life of a redrive, which owns the lease: it first finds out what became of what an earlier
// one had under way.
func (d *drive) live(ctx context.Context) (err error) {
	if d.marks, err = d.redrive.Bus.Marks(ctx, pipeline.StreamDead); err != nil {
		return err
	}
	if err := d.recover(ctx); err != nil {
		return err
	}
	first, _, err := d.redrive.Bus.Extent(ctx, pipeline.StreamDead)
	if err == nil {
		err = d.marks.Forget(ctx, first)
	}
	if err != nil {
		return err
	}
	for len(d.rest) > 0 {
		parcels, err := d.take(ctx)
		if err != nil {
			return err
		}
		for len(parcels) > 0 {
			n, err := d.send(ctx, parcels)
			if err != nil {
				return err
			}
			parcels = parcels[n:]
		}
	}
	return nil
}

// rehearse does all but storing.
func (d *drive) rehearse(ctx context.Context) (err error) {
	if d.marks, err = d.redrive.Bus.Marks(ctx, pipeline.StreamDead); err != nil {
		return err
	}
	for len(d.rest) > 0 {
		parcels, err := d.take(ctx)
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if err != nil {
			return err
		}
		d.settle(parcels)
	}
	return nil
}

// send stores the parcels whose turn it is, and says how many are settled.
func (d *drive) send(ctx context.Context, parcels []parcel) (n int, err error) {
	var batch []Attempt
	for n < len(parcels) {
		if p := &parcels[n]; p.state == stateReady {
			if len(batch) == 0 {
				err = d.limiter.Wait(ctx)
			} else if !d.limiter.Allow() {
				break
			}
			if err != nil {
				return 0, err
			}
			batch = append(batch, p.attempt)
		}
		n++
	}
	if len(batch) > 0 {
		sending, stop := drained(ctx)
		defer stop()
		if err := d.put(sending, batch); err != nil {
			return 0, err
		}
	}
	d.settle(parcels[:n])
	return n, nil
}

// put notes what is about to be stored, stores it and marks its letters, in this order.
func (d *drive) put(ctx context.Context, batch []Attempt) error {
	seqs := make([]uint64, len(batch))
	for i := range batch {
		seqs[i] = batch[i].Seq
		d.flying[seqs[i]] = struct{}{}
	}
	note, err := json.Marshal(newNote(d.redrive.Planner.Target, batch))
	if err != nil {
		return fmt.Errorf("dead: note: %w", err)
	}
	if err := d.marks.SetNote(ctx, note); err != nil {
		return err
	}
	if err := d.submit(ctx, batch); err != nil {
		return err
	}
	return d.marks.Add(ctx, seqs...)
}

// submit stores a batch, however often that has to be tried while the layer is full.
func (d *drive) submit(ctx context.Context, batch []Attempt) error {
	records := make([]pipeline.Record, len(batch))
	for i := range batch {
		records[i] = batch[i].Record
	}
	for {
		stored, err := d.store.Submit(ctx, records)
		left := records[:0]
		for i := range records {
			if i >= len(stored) || stored[i].Seq == 0 {
				left = append(left, records[i])
			}
		}
		if len(left) < len(stored) {
			d.moved = d.redrive.Now()
		}
		if records = left; len(records) == 0 {
			return nil
		}
		busy, ok := errors.AsType[*bus.BusyError](err)
		if !ok || d.redrive.Now().Sub(d.moved) > d.redrive.Options.Patience {
			return err
		}
		d.redrive.Report.Stall("the layer is full for now, waiting until there is room")
		if err := wait(ctx, busy.RetryAfter()); err != nil {
			return err
		}
	}
}

// settle counts parcels and takes their letters off the rest.
func (d *drive) settle(parcels []parcel) {
	for i := range parcels {
		p := &parcels[i]
		delete(d.flying, p.seq)
		switch p.state {
		case stateReady, stateStored:
			d.outcome.Redriven++
		case stateBefore:
			d.outcome.Before++
		case stateGone:
			d.outcome.Gone++
		case stateFailed:
			d.outcome.Failed++
			d.outcome.Reasons[Class(p.err.Error())]++
			d.redrive.Report.Failed(p.seq, p.err)
		}
	}
	d.rest = d.rest[len(parcels):]
	d.moved = d.redrive.Now()
	d.redrive.Report.Advance(d.outcome.Letters - len(d.rest))
}

// finish completes the outcome.
func (d *drive) finish(err error) {
	elapsed := d.redrive.Now().Sub(d.began)
	d.outcome.Seconds = elapsed.Seconds()
	if elapsed > 0 {
		d.outcome.Rate = float64(d.outcome.Redriven) / elapsed.Seconds()
	}
	d.outcome.Complete = err == nil
}

// drained returns a context that ends drainTime after ctx, since what was sent may still be stored; but
// at once where another process may be at work by now.
func drained(ctx context.Context) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !errors.Is(cause, pipeline.ErrLeaseLost) {
			_ = wait(sending, drainTime)
		}
		cancel(context.Cause(ctx))
	})
	return sending, func() { stop(); cancel(nil) }
}
