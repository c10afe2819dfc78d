package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// user is one of those who use HAL9, doing one thing at a time.
type user struct {
	number int
	gap    time.Duration // mean time between two operations
	mix    Mix
	random *rand.Rand
	sender *sender
}

func newUser(cfg *Config, run string, number int) *user {
	random := rand.New(rand.NewPCG(cfg.Seed, uint64(number)+1)) // 0 is the check's.
	return &user{number: number, gap: cfg.gap(), mix: cfg.Mix, random: random, sender: newSender(run, number, random)}
}

// thinkMax bounds one pause between two operations, in means.
const thinkMax = 10

// think draws the time until the next operation. It is exponential, so that the users together
// make the same even stream of arrivals whatever their number is.
func (u *user) think() time.Duration {
	return time.Duration(min(u.random.ExpFloat64(), thinkMax) * float64(u.gap))
}

// next draws what the user does next.
func (u *user) next() task {
	t := task{operation: u.mix.pick(u.random), user: u.number}
	if t.operation.publishes() {
		t.signal = u.sender.next()
	}
	return t
}

// live carries out what the user has scheduled. The schedule does not depend on how long
// anything takes: what is due while the user is busy comes late, and its latency says so.
func (u *user) live(ctx context.Context, r *run) {
	var free time.Time // when the user may go on; in the past unless it was refused
	for due := r.began.Add(u.think()); due.Before(r.ends); due = due.Add(u.think()) {
		t := u.next()
		if r.wait(ctx, due, free) {
			free = r.carryOut(ctx, t, due)
		} else if !r.miss(ctx, t, due) {
			return
		}
	}
}

// wait waits until an operation is due and the user is free. It is false where ctx ended before.
func (r *run) wait(ctx context.Context, due, free time.Time) bool {
	idle := !free.After(due)
	if !idle {
		due = free
	}
	d := due.Sub(r.now())
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		if idle {
			r.recorder.began(r.now().Sub(due))
		}
		return true
	case <-ctx.Done():
		return false
	}
}

// carryOut carries out an operation and returns when its user may go on.
func (r *run) carryOut(ctx context.Context, t task, due time.Time) (free time.Time) {
	working, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	r.underWay.Add(1)
	err := r.performer.perform(working, t)
	r.underWay.Add(-1)
	ended := r.now()
	if err != nil && interrupted(ctx) {
		r.recorder.unfinished(t.operation, ended.Sub(due))
		return ended
	}
	r.recorder.ended(t.operation, ended.Sub(due), err)
	if refusal, ok := errors.AsType[retryableError](err); ok {
		return ended.Add(min(refusal.RetryAfter(), retryAfterMax))
	}
	return ended
}

// retryableError is an error that says when to try again.
type retryableError interface {
	error
	RetryAfter() time.Duration
}

// miss records an operation that was due and not begun when ctx ended; it is false where the operation
// was not due yet.
func (r *run) miss(ctx context.Context, t task, due time.Time) bool {
	late := r.now().Sub(due)
	switch {
	case late < 0:
		return false
	case interrupted(ctx):
		r.recorder.unfinished(t.operation, late)
	default:
		r.recorder.ended(t.operation, late, ErrNotBegun)
	}
	return true
}

// interrupted reports whether whoever started the run ended it.
func interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errOver)
}
