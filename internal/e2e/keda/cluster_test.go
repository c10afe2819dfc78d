package keda_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const namespace = "hal9"

// needCluster skips the test where there is no cluster for it.
func needCluster(t *testing.T) {
	t.Helper()
	if os.Getenv("KEDA_E2E") != "1" || os.Getenv("KUBECONFIG") == "" {
		t.Skip("needs a cluster with KEDA whose pods may be anything: KEDA_E2E=1 KUBECONFIG=… (make e2e-keda)")
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("needs kubectl on PATH")
	}
}

// kubectl runs it and returns what it says.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// apply puts YAML into the cluster.
func apply(t *testing.T, data []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl", "apply", "-n", namespace, "--server-side", "--force-conflicts", "-f", "-")
	cmd.Stdin = bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v\n%s", err, out)
	}
}

// size is how many replicas a Deployment has at a time.
type size struct {
	at           time.Time
	wants, ready int
}

// sizes follows the replicas of a Deployment.
type sizes struct {
	mu      sync.Mutex
	list    []size
	changed chan struct{} // holds something after each change
}

// follow reads kubectl's watch until the test ends.
func follow(t *testing.T, deployment string) *sizes {
	t.Helper()
	s := &sizes{changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, "kubectl", "get", "deployment", deployment, "-n", namespace, "--watch",
		"-o", `jsonpath={.spec.replicas} {.status.readyReplicas}{"\n"}`)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var now size
			if _, err := fmt.Sscan(lines.Text()+" 0", &now.wants, &now.ready); err == nil { // Where none is ready the field is missing.
				now.at = time.Now()
				s.add(now)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = cmd.Wait() // It was ended.
	})
	return s
}

func (s *sizes) add(now size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.list); n > 0 && s.list[n-1].wants == now.wants && s.list[n-1].ready == now.ready {
		return
	}
	s.list = append(s.list, now)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// now returns the last size.
func (s *sizes) now() size {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == 0 {
		return size{}
	}
	return s.list[len(s.list)-1]
}

// since returns the sizes from a time on, the one at that time first.
func (s *sizes) since(at time.Time) []size {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	for from+1 < len(s.list) && !s.list[from+1].at.After(at) {
		from++
	}
	return append([]size(nil), s.list[min(from, len(s.list)):]...)
}

// until waits for something.
func until(t *testing.T, within time.Duration, what string, is func() bool) time.Time {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(500 * time.Millisecond) {
		if is() {
			return time.Now()
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}
