package chaos_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

var layerNames = []string{"L1", "L2", "L3", "L4", "L5"}

// keyedNames are the layers whose partitions have one owner each.
var keyedNames = layerNames[1:]

const (
	restartDelay = 100 * time.Millisecond // before a process that ended starts again, as a pod would
	readyWithin  = 90 * time.Second
	stopWithin   = 30 * time.Second
)

// fleet is the layer processes on one NATS. It starts each again that ends, as Kubernetes does,
// and notes every end that nobody asked for.
type fleet struct {
	t       *testing.T
	program string
	url     string
	dir     string // of the logs
	config  string // hal9.yaml

	mu       sync.Mutex
	replicas map[string][]*replica
	next     int
	strange  []string // what processes did that they must not do
	refused  int      // starts that ended before they were ready, as where NATS is away
	watchers sync.WaitGroup
}

func newFleet(t *testing.T, program, url, dir string) *fleet {
	t.Helper()
	f := &fleet{t: t, program: program, url: url, dir: dir, replicas: map[string][]*replica{}}
	t.Cleanup(f.end)
	return f
}

// add starts one more replica of a layer, without waiting for it. It lives on when ctx ends.
func (f *fleet) add(ctx context.Context, layer string) *replica {
	f.mu.Lock()
	f.next++
	r := &replica{layer: layer, name: fmt.Sprintf("%s-%d", layer, f.next), ready: make(chan struct{})}
	r.logPath = filepath.Join(f.dir, r.name+".log")
	f.replicas[layer] = append(f.replicas[layer], r)
	f.mu.Unlock()
	f.watchers.Go(func() { f.keepAlive(context.WithoutCancel(ctx), r) })
	return r
}

// keepAlive runs one process of the replica after the other.
func (f *fleet) keepAlive(ctx context.Context, r *replica) {
	for {
		proc, err := f.launch(ctx, r)
		if err != nil {
			f.complain("%s: %v", r.name, err)
			return
		}
		if proc == nil {
			return
		}
		f.awaitReady(r, proc)
		<-proc.Done()
		if f.ended(r, proc) {
			return
		}
		time.Sleep(restartDelay)
	}
}

// launch starts a process of the replica; none where the replica leaves.
func (f *fleet) launch(ctx context.Context, r *replica) (*proctest.Process, error) {
	log, err := os.OpenFile(r.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // The process has it by then.
	args := []string{"run", "--layer", r.layer, "--nats", f.url, "--http", "127.0.0.1:0", "--ready-file", f.readyFile(r)}
	if f.config != "" {
		args = append(args, "--config", f.config)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leaving {
		return nil, nil
	}
	_ = os.Remove(f.readyFile(r))
	proc, err := proctest.Start(ctx, proctest.Program{Path: f.program, Args: args, Dir: f.dir, Log: log})
	if err != nil {
		return nil, err
	}
	if r.proc != nil { // The channel tells of the process before.
		r.ready = make(chan struct{})
	}
	r.proc, r.killed = proc, false
	return proc, nil
}

func (f *fleet) readyFile(r *replica) string { return filepath.Join(f.dir, r.name+".ready") }

// awaitReady closes the replica's channel when its process says that it is ready.
func (f *fleet) awaitReady(r *replica, proc *proctest.Process) {
	var ready struct{}
	if err := proc.AwaitFile(f.readyFile(r), readyWithin, &ready); err != nil {
		select {
		case <-proc.Done(): // ended counts it
		default:
			f.complain("%s: %v", r.name, err)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.ready)
}

// ended notes how a process ended and reports whether the replica is at its end.
func (f *fleet) ended(r *replica, proc *proctest.Process) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.leaving:
		return true
	case r.killed:
	case r.isReady():
		f.complain("%s ended by itself: %v", r.name, proc.Err())
	default:
		f.mu.Lock()
		f.refused++
		f.mu.Unlock()
	}
	return false
}

func (f *fleet) complain(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strange = append(f.strange, fmt.Sprintf(format, args...))
}

// of returns the replicas of a layer, the oldest first.
func (f *fleet) of(layer string) []*replica {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.replicas[layer])
}

// scale brings a layer to n replicas; those chosen leave in order of the choice.
func (f *fleet) scale(ctx context.Context, layer string, n int, choose func(n int) int) error {
	for len(f.of(layer)) > n {
		all := f.of(layer)
		f.remove(all[choose(len(all))])
	}
	var added []*replica
	for len(f.of(layer)) < n {
		added = append(added, f.add(ctx, layer))
	}
	for _, r := range added {
		if err := f.await(r); err != nil {
			return err
		}
	}
	return nil
}

// stop ends every replica in order.
func (f *fleet) stop() {
	for _, layer := range layerNames {
		for _, r := range f.of(layer) {
			f.remove(r)
		}
	}
}

// end kills what is left.
func (f *fleet) end() {
	for _, layer := range layerNames {
		for _, r := range f.of(layer) {
			r.mu.Lock()
			r.leaving = true
			proc := r.proc
			r.mu.Unlock()
			if proc != nil {
				proc.Kill()
			}
		}
	}
	f.watchers.Wait()
}

// oddities returns what processes did that they must not do: ends of their own, ends with another
// code than 0 after SIGTERM, crashes in their logs.
func (f *fleet) oddities() []string {
	f.mu.Lock()
	list := slices.Clone(f.strange)
	f.mu.Unlock()
	logs, _ := filepath.Glob(filepath.Join(f.dir, "L*.log"))
	for _, path := range logs {
		data, err := os.ReadFile(path)
		if err != nil {
			list = append(list, err.Error())
			continue
		}
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") || strings.Contains(line, "layer panicked") {
				list = append(list, filepath.Base(path)+": "+strings.TrimSpace(line))
			}
		}
	}
	return list
}
