package bus

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// TestFenceStopsConnectionsOfALostSession asks at the places where a process can find out: before anything in it has
// noticed, after the session was declared lost, and on connections made since.
func TestFenceStopsConnectionsOfALostSession(t *testing.T) {
	f := &fence{began: time.Now().Add(-time.Minute)}
	l := &Leases{began: f.began}
	old := f.now() - int64(10*time.Second)
	wantPasses := func(when string, made int64, want bool) {
		t.Helper()
		if got := f.passes(made); got != want {
			t.Errorf("%s: a connection made at %s passes: %v, want %v", when, time.Duration(made), got, want)
		}
	}
	wantPasses("without a session", old, true)
	s := &session{leases: l}
	f.session.Store(s)
	s.deadline.Store(int64(l.now() + time.Minute))
	wantPasses("while the session holds", old, true)
	s.deadline.Store(int64(l.now() - time.Second))
	wantPasses("when the session is over and nobody has noticed", old, false)
	wantPasses("when the session is over and nobody has noticed", f.now(), true)
	f.lose()
	s.deadline.Store(0)
	f.session.Store(nil)
	wantPasses("when the session was declared lost", old, false)
	time.Sleep(time.Millisecond) // The clock must go on.
	wantPasses("when the session was declared lost", f.now(), true)
	next := &session{leases: l}
	next.deadline.Store(int64(l.now() + time.Minute))
	f.session.Store(next)
	wantPasses("in the next session", old, false)
	wantPasses("in the next session", f.now(), true)
}

// TestFencedWriteEndsTheConnection writes when the session is over: the peer must see the connection end, so that the client
// of NATS makes another one.
func TestFencedWriteEndsTheConnection(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	f := &fence{began: time.Now().Add(-time.Minute)}
	conn := &fencedConn{Conn: ours, fence: f, made: f.now()}
	time.Sleep(time.Millisecond) // The clock must go on.
	f.lose()
	if _, err := conn.Write([]byte("PUB")); !errors.Is(err, errFenced) {
		t.Errorf("error %v, want %v", err, errFenced)
	}
	if n, err := theirs.Read(make([]byte, 8)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the peer read %d bytes and %v, want the end", n, err)
	}
}

// TestLossOfASessionIsNotedAtTheFence: the deadline of a session that is lost says nothing any more.
func TestLossOfASessionIsNotedAtTheFence(t *testing.T) {
	f := &fence{began: time.Now().Add(-time.Minute)}
	l := &Leases{began: f.began, bus: &Bus{fence: f}}
	s := &session{leases: l}
	s.deadline.Store(int64(l.now() + time.Minute))
	f.session.Store(s)
	before := f.now()
	time.Sleep(time.Millisecond) // The clock must go on.
	l.lose(s)
	if f.passes(before) {
		t.Error("a connection of the lost session passes")
	}
	time.Sleep(time.Millisecond)
	if !f.passes(f.now()) {
		t.Error("a connection made since does not pass")
	}
}
