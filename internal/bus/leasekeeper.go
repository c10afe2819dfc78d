package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// keeper follows the bucket of leases and decides for this process: which stages it may claim, which it
// has to give back, which sessions are to be buried. It is one goroutine.
type keeper struct {
	leases *Leases
	watch  *leaseWatch
	next   *leaseView // what a new watch has read so far; nil once all is read
	opened time.Time  // when a watch was last tried to be opened
	missed int        // sessions that were to be buried and had another revision
}

// run keeps one session after the other until ctx ends.
func (k *keeper) run(ctx context.Context) {
	defer k.unwatch(ctx)
	for fresh := true; ctx.Err() == nil; fresh = false {
		if err := k.live(ctx, fresh); err != nil && ctx.Err() == nil {
			k.leases.setSession(nil, err)
			k.unwatch(ctx)
			wait(ctx, leaseRetry)
		}
	}
}

// live is one session, from its beginning until it is lost or ctx ends.
func (k *keeper) live(ctx context.Context, fresh bool) error {
	if err := k.read(ctx); err != nil {
		return err
	}
	l := k.leases
	k.leaveBehind(ctx)
	l.settle(fresh)
	s, err := l.login(ctx)
	if err != nil {
		return err
	}
	l.setSession(s, nil)
	renewing, stop := context.WithCancel(ctx)
	go s.renew(renewing)
	k.follow(ctx, s)
	stop()
	<-s.done
	l.setSession(nil, s.err)
	if s.err != nil {
		l.log.WarnContext(ctx, "session with NATS lost, its partitions stop until there is a new one", "error", s.err)
		return s.err
	}
	s.end(ctx)
	l.report(ctx, true)
	return nil
}

// follow acts on what changes until the session is lost or ctx ends.
func (k *keeper) follow(ctx context.Context, s *session) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var incoming <-chan *nats.Msg
		var broken <-chan struct{}
		if k.watch != nil {
			incoming, broken = k.watch.incoming, k.watch.broken
		}
		act := true
		select {
		case msg := <-incoming:
			act = k.take(ctx, msg)
		case <-broken:
			k.unwatch(ctx)
		case <-k.leases.woken:
		case <-timer.C:
			k.rewatch(ctx)
		case <-s.done:
			return
		case <-ctx.Done():
			return
		}
		for ; len(incoming) > 0 && k.watch != nil; act = true {
			k.take(ctx, <-incoming)
		}
		if act && k.current() {
			k.act(ctx, s)
		}
		timer.Reset(k.leases.patience(k.current()))
	}
}

// act carries out what the plan says.
func (k *keeper) act(ctx context.Context, s *session) {
	todo := k.leases.plan(s)
	if todo.announce {
		s.wake()
	}
	for stage, revision := range todo.leftover {
		_ = k.request(ctx, func(ctx context.Context) error {
			_, err := k.leases.store.remove(ctx, stage, revision)
			return err
		})
	}
	for session, revision := range todo.silent {
		err := k.request(ctx, func(ctx context.Context) error { return k.leases.store.bury(ctx, session, revision) })
		if isWrongRevision(err) {
			k.missed++
		}
	}
	if k.missed > missedMost {
		k.missed = 0
		k.unwatch(ctx) // The bucket was cleared, perhaps: it is read anew.
	}
	k.leases.report(ctx, false)
}

// missedMost is how often a session that is to be buried may have another revision before the bucket is read
// anew. Mostly another process was faster.
const missedMost = 20

func (k *keeper) request(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, leaseRequest)
	defer cancel()
	err := do(ctx)
	if err != nil {
		k.leases.log.DebugContext(ctx, "leases: a record not removed", "error", err)
	}
	return err
}

// leaveBehind buries earlier sessions of this process on which no work hangs any more.
func (k *keeper) leaveBehind(ctx context.Context) {
	for session, revision := range k.leases.former() {
		_ = k.request(ctx, func(ctx context.Context) error { return k.leases.store.bury(ctx, session, revision) })
	}
}

// read opens a watch and reads until the view is complete.
func (k *keeper) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*leaseRequest)
	defer cancel()
	for {
		if k.watch == nil {
			if err := k.open(ctx); err != nil {
				return err
			}
		}
		if k.current() {
			return nil
		}
		select {
		case msg := <-k.watch.incoming:
			k.take(ctx, msg)
		case <-k.watch.broken:
			k.unwatch(ctx)
			return ErrDisconnected
		case <-ctx.Done():
			return fmt.Errorf("bus: read the leases: %w", context.Cause(ctx))
		}
	}
}

// current reports whether the view holds all that the watch began with.
func (k *keeper) current() bool { return k.watch != nil && k.next == nil }

func (k *keeper) open(ctx context.Context) error {
	k.opened = time.Now()
	ctx, cancel := context.WithTimeout(ctx, leaseRequest)
	defer cancel()
	var err error
	if k.watch, err = k.leases.bus.watchLeases(ctx, k.leases.filters); err != nil {
		k.watch = nil
		return err
	}
	k.next = newLeaseView()
	k.complete()
	return nil
}

// complete puts the new view in place once everything is read.
func (k *keeper) complete() {
	if k.next != nil && k.watch.current {
		k.leases.replace(k.next)
		k.next = nil
	}
}

// take takes in a message of the watch and reports whether there is something to act on.
func (k *keeper) take(ctx context.Context, msg *nats.Msg) bool {
	entry, ok, err := k.watch.entry(msg)
	if err != nil {
		k.leases.log.DebugContext(ctx, "leases are read anew", "error", err)
		k.unwatch(ctx)
		return false
	}
	if !ok {
		return false
	}
	if k.next != nil {
		k.next.apply(entry, k.leases.now())
		k.complete()
		return k.next == nil
	}
	return k.leases.apply(entry)
}

// rewatch opens the watch again where it is broken.
func (k *keeper) rewatch(ctx context.Context) {
	if k.watch != nil && k.watch.silent() {
		k.unwatch(ctx)
	}
	if k.watch != nil || time.Since(k.opened) < leaseRetry {
		return
	}
	if err := k.open(ctx); err != nil {
		k.leases.log.DebugContext(ctx, "leases can't be followed", "error", err)
	}
}

func (k *keeper) unwatch(ctx context.Context) {
	if k.watch != nil {
		k.watch.close(ctx)
		k.watch, k.next = nil, nil
	}
}

// wait returns after d or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
