package keda_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

// stand is HAL9 as processes on one NATS.
type stand struct {
	t      *testing.T
	binary string
	url    string
	config string
	dir    string
	log    io.Writer
	limits *limits

	scraped string // file from which Prometheus reads what to scrape, where one runs

	mu      sync.Mutex
	started int
	pages   []string            // host:port of each process that was started
	pods    []*proctest.Process // of the flooded layer, the oldest first
	ending  sync.WaitGroup
}

func newStand(t *testing.T, binary *proctest.Builder, url, config string) *stand {
	t.Helper()
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, binary: path, url: url, dir: t.TempDir(), limits: newLimits(t)}
	s.config = filepath.Join(s.dir, "hal9.yaml")
	if err := os.WriteFile(s.config, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(os.TempDir(), fmt.Sprintf("hal9-e2e-keda-%d.log", os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	t.Cleanup(func() {
		_ = log.Close()
		if t.Failed() {
			t.Logf("what the processes said: %s", log.Name())
		} else {
			_ = os.Remove(log.Name())
		}
	})
	return s
}

// ready is what a process writes once it answers.
type ready struct {
	HTTP string `json:"http"`
	GRPC string `json:"grpc"`
}

// startTries is how often a process is started that ends at once, as where NATS has no leader yet: Kubernetes starts it again, too.
const startTries = 10

// start runs hal9 and waits until it is ready.
func (s *stand) start(args ...string) ready {
	s.t.Helper()
	var r ready
	var err error
	for range startTries {
		if _, r, err = s.tryStart(args...); err == nil {
			return r
		}
	}
	s.t.Fatal(err)
	return r
}

func (s *stand) tryStart(args ...string) (*proctest.Process, ready, error) {
	s.mu.Lock()
	s.started++
	file := filepath.Join(s.dir, fmt.Sprintf("ready-%d.json", s.started))
	s.mu.Unlock()
	p, err := proctest.Start(context.WithoutCancel(s.t.Context()), proctest.Program{
		Path: s.binary, Dir: s.dir, Log: s.log, Args: append(args, "--nats", s.url, "--config", s.config, "--http", "127.0.0.1:0", "--ready-file", file),
	})
	if err != nil {
		return nil, ready{}, err
	}
	s.t.Cleanup(p.Kill)
	var r ready
	if err := p.AwaitFile(file, 2*time.Minute, &r); err != nil {
		p.Kill()
		return nil, r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages = append(s.pages, strings.TrimPrefix(r.HTTP, "http://"))
	if s.scraped != "" {
		s.writeTargets()
	}
	return p, r, nil
}

// once runs a command of hal9 to its end.
func (s *stand) once(args ...string) {
	s.t.Helper()
	p, err := proctest.Start(s.t.Context(), proctest.Program{Path: s.binary, Dir: s.dir, Log: s.log, Args: append(args, "--nats", s.url)})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		s.t.Fatalf("hal9 %v: %v", args, err)
	}
}

// podsFollow runs as many processes of the flooded layer as its Deployment has ready replicas, until ctx ends.
func (s *stand) podsFollow(ctx context.Context, replicas *sizes, percent int) {
	for {
		want := replicas.now().ready
		for s.count() < want {
			p, _, err := s.tryStart("run", "--layer", flooded) //nolint:contextcheck // A pod outlives who counts it.
			if err == nil {
				if err = s.limits.hold(p.PID(), percent); err != nil {
					p.Kill()
				}
			}
			if err != nil {
				s.t.Logf("a pod that is started again: %v", err) // As Kubernetes does.
				if ctx.Err() != nil {
					return
				}
				continue
			}
			s.mu.Lock()
			s.pods = append(s.pods, p)
			s.mu.Unlock()
		}
		for s.count() > want {
			s.dismiss()
		}
		select {
		case <-replicas.changed:
		case <-ctx.Done():
			s.ending.Wait()
			return
		}
	}
}

func (s *stand) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pods)
}

// dismiss stops the youngest process as Kubernetes does: asked first, and in its own time.
func (s *stand) dismiss() {
	s.mu.Lock()
	p := s.pods[len(s.pods)-1]
	s.pods = s.pods[:len(s.pods)-1]
	s.mu.Unlock()
	s.ending.Go(func() {
		if err := p.Stop(time.Minute); err != nil {
			s.t.Errorf("a pod that had to go: %v", err)
		}
	})
}
