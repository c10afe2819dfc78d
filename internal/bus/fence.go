package bus

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// errFenced ends a connection that may hold what a former owner wanted to store.
var errFenced = errors.New("bus: the session with NATS ended while this connection had something to send")

// fence keeps a process that lost its session from storing what it had in its buffers: it may have been
// stopped for a while, and somebody else has its partitions by now. Stages ask before they publish;
// what they published before, and what no system call has taken yet, is stopped here.
type fence struct {
	began   time.Time
	session atomic.Pointer[session]
	lost    atomic.Int64 // when a session was lost last, nanoseconds since began
}

func (f *fence) now() int64 { return int64(time.Since(f.began)) }

// lose notes that the present session is over.
func (f *fence) lose() { f.lost.Store(f.now()) }

// passes reports whether a connection made at a time may send.
func (f *fence) passes(made int64) bool {
	if made < f.lost.Load() {
		return false
	}
	s := f.session.Load()
	return s == nil || s.valid() || made > f.expired(s)
}

// expired returns when a session's time was over, on the fence's clock.
func (f *fence) expired(s *session) int64 {
	return s.deadline.Load() + int64(s.leases.began.Sub(f.began))
}

// dialer makes connections that the fence may end.
type dialer struct {
	net.Dialer

	fence *fence
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.Dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &fencedConn{Conn: conn, fence: d.fence, made: d.fence.now()}, nil
}

type fencedConn struct {
	net.Conn

	fence *fence
	made  int64
}

// Write implements net.Conn. What may not pass ends the connection: the client of NATS takes an error of Write for
// a passing one, and would go on with it, in vain, until pings stay away.
func (c *fencedConn) Write(data []byte) (int, error) {
	if !c.fence.passes(c.made) {
		_ = c.Close()
		return 0, fmt.Errorf("%w: %d bytes dropped", errFenced, len(data))
	}
	return c.Conn.Write(data)
}
