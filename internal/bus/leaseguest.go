package bus

import (
	"context"

	"github.com/2lab-ai/hal9/pipeline"
)

// Attend implements pipeline.Leases.
func (l *Leases) Attend(ctx context.Context, work func(ctx context.Context, own pipeline.Ownership) error) error {
	if l.isSolo() {
		return work(ctx, always{})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	own := &ownership{cancel: cancel}
	l.welcome(ctx, own)
	defer l.part(own)
	for !l.seat(own) {
		if err := pipeline.Pause(ctx, leaseRetry/5); err != nil {
			return err
		}
	}
	return work(ctx, own)
}

// welcome registers a guest; the first who asks for anything starts the keeper.
func (l *Leases) welcome(ctx context.Context, own *ownership) {
	l.life.Lock()
	defer l.life.Unlock()
	l.mu.Lock()
	l.guests[own] = true
	first := len(l.holds)+len(l.guests) == 1
	l.mu.Unlock()
	if first {
		l.start(ctx)
	}
}

// part is the opposite of welcome.
func (l *Leases) part(own *ownership) {
	l.life.Lock()
	defer l.life.Unlock()
	l.mu.Lock()
	delete(l.guests, own)
	last := len(l.holds)+len(l.guests) == 0
	l.mu.Unlock()
	if last {
		l.stop()
		<-l.over
	}
}

// seat ties a guest to the present session, where there is one.
func (l *Leases) seat(own *ownership) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil || l.session.lost || !l.session.valid() {
		return false
	}
	own.session = l.session
	return true
}
