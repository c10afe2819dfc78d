package chaos_test

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

// replica is one pod of a layer: a process and those that follow it.
type replica struct {
	layer, name string
	logPath     string

	mu      sync.Mutex
	proc    *proctest.Process
	ready   chan struct{} // closed once the present process is ready
	killed  bool          // the present process was killed by the test
	leaving bool          // no further process shall follow
}

func (r *replica) isReady() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

// await waits until the replica's present process is ready.
func (f *fleet) await(r *replica) error {
	deadline := time.Now().Add(readyWithin)
	for time.Now().Before(deadline) && f.t.Context().Err() == nil {
		r.mu.Lock()
		ready := r.isReady() && !r.killed
		r.mu.Unlock()
		if ready {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s is not ready after %s (%s)", r.name, readyWithin, r.logPath)
}

// kill ends the replica's process with SIGKILL; another follows. It returns when it is gone.
func (f *fleet) kill(r *replica) {
	r.mu.Lock()
	proc := r.proc
	r.killed = true
	r.mu.Unlock()
	if proc != nil {
		proc.Kill()
	}
}

// restart ends the replica's process with SIGTERM and waits until the next one is ready.
func (f *fleet) restart(r *replica) error {
	r.mu.Lock()
	proc := r.proc
	r.killed = true // keepAlive shall not wonder.
	r.mu.Unlock()
	if proc == nil {
		return f.await(r)
	}
	if err := proc.Stop(stopWithin); err != nil {
		f.complain("%s: %v", r.name, err)
		proc.Kill()
	}
	return f.await(r)
}

// remove ends the replica for good with SIGTERM.
func (f *fleet) remove(r *replica) {
	f.mu.Lock()
	f.replicas[r.layer] = slices.DeleteFunc(f.replicas[r.layer], func(o *replica) bool { return o == r })
	f.mu.Unlock()
	r.mu.Lock()
	proc := r.proc
	r.leaving = true
	r.mu.Unlock()
	if proc == nil {
		return
	}
	if err := proc.Stop(stopWithin); err != nil {
		f.complain("%s: %v", r.name, err)
		proc.Kill()
	}
}

// freeze stops the replica's process where it stands; the result lets it go on.
func (f *fleet) freeze(r *replica) (thaw func(), err error) {
	r.mu.Lock()
	proc := r.proc
	r.mu.Unlock()
	if err := proc.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	return func() {
		if err := proc.Signal(syscall.SIGCONT); err != nil {
			f.complain("%s: %v", r.name, err)
		}
	}, nil
}
