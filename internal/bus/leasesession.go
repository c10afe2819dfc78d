package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// errSession ends a session that was not renewed in time, or that others have buried.
var errSession = errors.New("bus: the session was not renewed in time")

// session is the time for which a process takes part without a break; all leases of that time hang on
// it. It is renewed by one write for all of them. Once it has ended it never comes back: the process begins
// another one under another id.
type session struct {
	id       string
	leases   *Leases
	deadline atomic.Int64 // until when it holds, on the process's monotonic clock, nanoseconds
	kick     chan struct{}
	done     chan struct{} // closed when nobody renews it any more
	err      error         // why it was lost; to be read after done

	lost bool // guarded by Leases.mu

	// What the renewing goroutine alone knows.
	revision uint64
	joined   map[string]uint64
}

// valid reports whether nobody else can have taken over yet. The deadline counts from before the
// request that renewed the session, and others wait for longer, so this holds even in a process that
// was stopped and goes on before any of its goroutines has noticed.
func (s *session) valid() bool { return s.leases.now() < time.Duration(s.deadline.Load()) }

// login begins the next session.
func (l *Leases) login(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseRequest)
	defer cancel()
	s := &session{
		id: l.nextSession(), leases: l, joined: map[string]uint64{},
		kick: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := s.write(ctx); err != nil {
		return nil, fmt.Errorf("bus: begin a session: %w", err)
	}
	if !s.valid() {
		return nil, errSession
	}
	return s, nil
}

// write stores the session's record and with it moves the deadline.
func (s *session) write(ctx context.Context) error {
	record := memberRecord{Owner: s.leases.owner, Layers: map[string]uint64{}}
	for layer := range s.leases.announce() {
		record.Layers[layer] = s.joined[layer]
	}
	asked := s.leases.now()
	revision, err := s.leases.store.put(ctx, memberKeys+s.id, record, s.revision, LeaseTime)
	if err != nil {
		return err
	}
	for layer, joined := range record.Layers {
		if joined == 0 {
			record.Layers[layer] = revision
		}
	}
	s.revision, s.joined = revision, record.Layers
	if s.revision > 0 && s.deadline.Load() > 0 && !s.valid() {
		return errSession // It came too late: what was once invalid stays so.
	}
	s.deadline.Store(int64(asked + leaseValidity))
	return nil
}

// renew keeps the session until ctx ends. Where that fails for too long, every lease of the session
// is lost at once.
func (s *session) renew(ctx context.Context) {
	defer close(s.done)
	timer := time.NewTimer(leaseRenewal)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		case <-timer.C:
		}
		next := leaseRenewal
		if err := s.try(ctx); err != nil {
			next = leaseRetry
			if ctx.Err() == nil && (errors.Is(err, errSession) || !s.valid()) {
				s.err = err
				s.leases.lose(s)
				return
			}
		}
		timer.Reset(next)
	}
}

// try renews once.
func (s *session) try(ctx context.Context) error {
	left := time.Duration(s.deadline.Load()) - s.leases.now()
	if left <= 0 {
		return errSession
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, leaseRequest))
	defer cancel()
	err := s.write(ctx)
	if isWrongRevision(err) {
		return s.look(ctx)
	}
	return err
}

// look finds out what stands in the place of the session: an own renewal whose answer got lost, or nothing.
func (s *session) look(ctx context.Context) error {
	entry, err := s.leases.keys.Get(ctx, memberKeys+s.id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("%w: it is gone from NATS", errSession)
	}
	if err != nil {
		return err
	}
	s.revision = max(s.revision, entry.Revision())
	return errors.New("bus: the session had another revision")
}

// wake has the session renewed now.
func (s *session) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// end gives the session up: no lease hangs on it any more.
func (s *session) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRequest)
	defer cancel()
	if err := s.leases.store.bury(ctx, s.id, 0); err != nil {
		s.leases.log.DebugContext(ctx, "session not ended, it expires", "session", s.id, "error", err)
	}
}

// announce returns the layers that the process takes part in, and remembers that they are said.
func (l *Leases) announce() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announced = l.wanted()
	return maps.Clone(l.announced)
}
