package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

// binary is the program under test.
var binary proctest.Builder

func TestMain(m *testing.M) {
	code := m.Run()
	binary.Remove()
	os.Exit(code)
}

// process is a running hal9.
type process struct {
	*proctest.Process `json:"-"`
	HTTP              string `json:"http"`
	NATS              string `json:"nats"`
	log               *bytes.Buffer
}

// start runs hal9 and waits until it is ready.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	p := &process{log: &bytes.Buffer{}}
	p.Process, err = proctest.Start(t.Context(), proctest.Program{
		Path: path, Args: append(args, "--ready-file", ready), Dir: t.TempDir(), Log: p.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if err := p.AwaitFile(ready, 30*time.Second, p); err != nil {
		p.kill() // The log is whole when it has ended.
		t.Fatalf("%v\n%s", err, p.log)
	}
	return p
}

// kill ends the process with SIGKILL.
func (p *process) kill() { p.Kill() }

// stop ends the process with SIGTERM and requires exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Stop(30 * time.Second); err != nil {
		p.kill()
		t.Fatalf("%v\n%s", err, p.log)
	}
}

// fails runs hal9 and returns what it says; it must end with code 1 and one line.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	path, err := binary.Path()
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
	path, err := binary.Path()
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
