// Package proctest runs programs as their users do, as processes of their own, for tests that
// stop, kill and freeze them. A process ends with the context it was started under, so that no
// test leaves one behind.
package proctest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Builder builds hal9 when it is first asked for it. Its methods may be called from several
// goroutines.
type Builder struct {
	once sync.Once
	dir  string
	err  error
}

// Path returns the path of the program.
func (b *Builder) Path() (string, error) {
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "hal9-build-"); b.err != nil {
			return
		}
		out, err := exec.CommandContext(context.Background(), "go", "build", "-o", b.path(), "github.com/2lab-ai/hal9/cmd/hal9").CombinedOutput()
		if err != nil {
			b.err = fmt.Errorf("proctest: build: %w\n%s", err, out)
		}
	})
	return b.path(), b.err
}

func (b *Builder) path() string { return filepath.Join(b.dir, "hal9") }

// Remove takes the program away where it was built; nobody may ask for it any more.
func (b *Builder) Remove() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir) // It lies among other temporary files.
	}
}

// Program says what to run.
type Program struct {
	Path string
	Args []string
	Env  []string  // beside this process's own, name=value
	Dir  string    // working folder
	Log  io.Writer // of what it prints on both outputs
}

// Process is a program that was started. Its methods may be called from several goroutines.
type Process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
	err   error // how it ended; read it after done is closed
}

// Start runs a program until it ends or ctx does. Its standard input stays open as long as this
// process lives.
func Start(ctx context.Context, p Program) (*Process, error) {
	cmd := exec.CommandContext(ctx, p.Path, p.Args...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Dir = p.Dir
	cmd.Stdout, cmd.Stderr = p.Log, p.Log
	cmd.SysProcAttr = attributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("proctest: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("proctest: start %s: %w", p.Path, err)
	}
	started := &Process{cmd: cmd, stdin: stdin, done: make(chan struct{})}
	go func() {
		defer close(started.done)
		started.err = cmd.Wait()
	}()
	return started, nil
}

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Args returns the command line.
func (p *Process) Args() []string { return p.cmd.Args }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, nil for exit code 0. It waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Kill ends the process with SIGKILL and returns when it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // It may have ended by itself.
	<-p.done
}

// Signal sends a signal. A process that has ended already is none to complain about.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("proctest: signal %s to %v: %w", signal, p.cmd.Args, err)
	}
	return nil
}

// Stop asks the process to end with SIGTERM. It returns an error where it does not end with exit
// code 0 in time; it then still runs only if it was too slow.
func (p *Process) Stop(within time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("proctest: %v ended with %w after SIGTERM", p.cmd.Args, p.err)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("proctest: %v still runs %s after SIGTERM", p.cmd.Args, within)
	}
}

// AwaitFile waits until the program has written a file of JSON, as --ready-file says where hal9
// listens, and reads it into v. It gives up where the process ends or time is up.
func (p *Process) AwaitFile(path string, within time.Duration, v any) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if data, err := os.ReadFile(path); err == nil {
			return json.Unmarshal(data, v)
		}
		select {
		case <-ticker.C:
		case <-p.done:
			return fmt.Errorf("proctest: %v ended before it was ready: %w", p.cmd.Args, ended(p.err))
		case <-deadline.C:
			return fmt.Errorf("proctest: %v was not ready within %s", p.cmd.Args, within)
		}
	}
}

func ended(err error) error {
	if err == nil {
		return errors.New("exit code 0")
	}
	return err
}
