package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hal9-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "hal9")
	out, err := exec.Command("go", "build", "-o", path, "github.com/2lab-ai/hal9/cmd/hal9").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is a running hal9.
type process struct {
	HTTP string `json:"http"`
	NATS string `json:"nats"`
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan error
}

// start runs hal9 and waits until it is ready.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	p := &process{log: &bytes.Buffer{}, done: make(chan error, 1)}
	p.cmd = exec.CommandContext(t.Context(), path, append(args, "--ready-file", ready)...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(p.kill)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if data, err := os.ReadFile(ready); err == nil {
			if err := json.Unmarshal(data, p); err != nil {
				t.Fatal(err)
			}
			return p
		}
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("hal9 %v ended: %v\n%s", args, err, p.log)
		default:
		}
	}
	t.Fatalf("hal9 %v was not ready in time\n%s", args, p.log)
	return nil
}

// kill ends the process with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	err := <-p.done
	p.done <- err
}

// stop ends the process with SIGTERM and requires exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.done:
		p.done <- err
		if err != nil {
			t.Fatalf("hal9 %v: %v\n%s", p.cmd.Args, err, p.log)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("hal9 %v did not stop\n%s", p.cmd.Args, p.log)
	}
}

// fails runs hal9 and returns what it says; it must end with code 1 and one line.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Fatalf("hal9 %v: %v, want exit code 1\n%s", args, err, stderr.String())
	}
	text := stderr.String()
	if bytes.Count(stderr.Bytes(), []byte("\n")) != 1 {
		t.Errorf("hal9 %v says more than one line:\n%s", args, text)
	}
	return text
}

// runs runs hal9, requires exit code 0 and returns what it prints.
func runs(t *testing.T, args ...string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("hal9 %v: %v\n%s", args, err, out)
	}
	return string(out)
}
