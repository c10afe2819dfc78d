package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// slowStore is JetStream where it takes a while to answer.
type slowStore struct {
	jetstream.JetStream

	answer func()
}

func (s slowStore) PublishMsg(context.Context, *nats.Msg, ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	s.answer()
	return &jetstream.PubAck{Sequence: 2}, nil
}

// TestSessionCountsFromBeforeItAsked: the others count from when the renewal was stored, which is no later than its answer.
func TestSessionCountsFromBeforeItAsked(t *testing.T) {
	l := &Leases{began: time.Now().Add(-time.Minute)}
	asked := time.Duration(0)
	l.store = leaseStore{slowStore{answer: func() {
		asked = l.now()
		time.Sleep(5 * time.Millisecond) // The answer takes so long.
	}}}
	s := &session{id: "all.x-1", leases: l, joined: map[string]uint64{}}
	if err := s.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if until := time.Duration(s.deadline.Load()); until > asked+leaseValidity || !s.valid() {
		t.Errorf("it holds until %s, valid %t, want %s at most, and valid", until, s.valid(), asked+leaseValidity)
	}
}

// TestSessionThatWasOverStaysOver has a renewal answered when the session's time is up: others may have its stages by then.
func TestSessionThatWasOverStaysOver(t *testing.T) {
	l := &Leases{began: time.Now().Add(-time.Minute)}
	s := &session{id: "all.x-1", leases: l, joined: map[string]uint64{}}
	s.deadline.Store(int64(l.now() + time.Hour))
	l.store = leaseStore{slowStore{answer: func() { s.deadline.Store(int64(l.now() - 1)) }}}
	if err := s.write(t.Context()); !errors.Is(err, errSession) || s.valid() {
		t.Errorf("error %v, valid %t, want %v and not", err, s.valid(), errSession)
	}
}

// TestOwnershipIsValidWhileItsSessionIs asks in a process that nothing has told yet that its session is over.
func TestOwnershipIsValidWhileItsSessionIs(t *testing.T) {
	l := &Leases{began: time.Now().Add(-time.Minute)}
	own := &ownership{session: &session{leases: l}}
	for deadline, want := range map[time.Duration]bool{l.now() + time.Minute: true, l.now() - 1: false, 0: false} {
		own.session.deadline.Store(int64(deadline))
		if own.Valid() != want {
			t.Errorf("at %s with a session until %s it is valid: %t, want %t", l.now(), deadline, own.Valid(), want)
		}
	}
	own.session.deadline.Store(int64(l.now() + time.Minute))
	if own.ended.Store(true); own.Valid() {
		t.Error("it is valid although it has ended")
	}
}
